/** What part of the picture is seen: a point of it is drawn at x + k * point. */
export interface View {
  x: number;
  y: number;
  k: number;
}

const leastK = 0.15;
const mostK = 2.5;

/** All of a picture in the middle of a window; small pictures are not blown up. */
export function fitted(width: number, height: number, windowWidth: number, windowHeight: number): View {
  const k = Math.max(leastK, Math.min(1, windowWidth / width, windowHeight / height));
  return { k, x: (windowWidth - width * k) / 2, y: (windowHeight - height * k) / 2 };
}

// Below it names cannot be read.
const readableK = 0.55;

/** Where a picture is first seen: all of it, or around a point of it when all of it could not be read. */
export function first(width: number, height: number, windowWidth: number, windowHeight: number, around: { x: number; y: number }): View {
  const all = fitted(width, height, windowWidth, windowHeight);
  if (all.k >= readableK) {
    return all;
  }
  const k = readableK;
  // No more of nothing beside it than there must be.
  const place = (size: number, room: number, at: number) => (size * k <= room ? (room - size * k) / 2 : Math.min(0, Math.max(room - size * k, room / 2 - at * k)));
  return { k, x: place(width, windowWidth, around.x), y: place(height, windowHeight, around.y) };
}

/** Nearer or farther by a factor; the point of the window stays where it is. */
export function zoomed(view: View, factor: number, x: number, y: number): View {
  const k = Math.max(leastK, Math.min(mostK, view.k * factor));
  const by = k / view.k;
  return { k, x: x - (x - view.x) * by, y: y - (y - view.y) * by };
}

export function moved(view: View, x: number, y: number): View {
  return { ...view, x: view.x + x, y: view.y + y };
}
