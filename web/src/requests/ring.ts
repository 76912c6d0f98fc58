/** The newest so many items; older ones make room. */
export class Ring<T> {
  private items: T[] = [];
  private next = 0;

  constructor(readonly capacity: number) {}

  get size(): number {
    return this.items.length;
  }

  push(item: T): void {
    if (this.items.length < this.capacity) {
      this.items.push(item);
    } else {
      this.items[this.next] = item;
    }
    this.next = (this.next + 1) % this.capacity;
  }

  /** The item that so many came after: 0 is the newest. */
  newest(age: number): T | undefined {
    const { length } = this.items;
    return age < 0 || age >= length ? undefined : this.items[(this.next - 1 - age + 2 * this.capacity) % this.capacity];
  }

  /** A copy, newest first. */
  newestFirst(): T[] {
    const copy: T[] = [];
    for (let age = 0; age < this.items.length; age++) {
      copy.push(this.newest(age) as T);
    }
    return copy;
  }

  clear(): void {
    this.items = [];
    this.next = 0;
  }
}

/** Which of many rows of one height are seen, and a few around them. End is behind the last one. */
export function rowsInView(scrollPx: number, viewPx: number, rowPx: number, count: number, around: number): { first: number; end: number } {
  const first = Math.max(0, Math.min(count, Math.floor(scrollPx / rowPx)) - around);
  const end = Math.max(first, Math.min(count, Math.ceil((scrollPx + viewPx) / rowPx) + around));
  return { first, end };
}

/** Where to scroll so that a row is seen whole; where it is when it is already. */
export function scrollToRow(index: number, scrollPx: number, viewPx: number, rowPx: number): number {
  const top = index * rowPx;
  return top < scrollPx ? top : top + rowPx > scrollPx + viewPx ? top + rowPx - viewPx : scrollPx;
}
