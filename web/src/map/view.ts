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

/** Nearer or farther by a factor; the point of the window stays where it is. */
export function zoomed(view: View, factor: number, x: number, y: number): View {
  const k = Math.max(leastK, Math.min(mostK, view.k * factor));
  const by = k / view.k;
  return { k, x: x - (x - view.x) * by, y: y - (y - view.y) * by };
}

export function moved(view: View, x: number, y: number): View {
  return { ...view, x: view.x + x, y: view.y + y };
}
