/** How many a second there were lately, shown and not shown. */
export class Meter {
  private seconds: { atS: number; shown: number; skipped: number; missed: number }[] = [];

  constructor(
    /** Full seconds that are looked back. */
    private readonly lookBackS = 3,
  ) {}

  add(nowMs: number, counts: { shown?: number; skipped?: number; missed?: number }): void {
    const atS = Math.floor(nowMs / 1000);
    let last = this.seconds.at(-1);
    if (last?.atS !== atS) {
      last = { atS, shown: 0, skipped: 0, missed: 0 };
      this.seconds.push(last);
      this.seconds = this.seconds.filter((one) => one.atS >= atS - this.lookBackS);
    }
    last.shown += counts.shown ?? 0;
    last.skipped += counts.skipped ?? 0;
    last.missed += counts.missed ?? 0;
  }

  /** Per second over the last full seconds; the one that runs is not full and not in it. */
  perSecond(nowMs: number): { shown: number; skipped: number; missed: number } {
    const nowS = Math.floor(nowMs / 1000);
    const sum = { shown: 0, skipped: 0, missed: 0 };
    for (const one of this.seconds) {
      if (one.atS < nowS && one.atS >= nowS - this.lookBackS) {
        sum.shown += one.shown;
        sum.skipped += one.skipped;
        sum.missed += one.missed;
      }
    }
    return { shown: sum.shown / this.lookBackS, skipped: sum.skipped / this.lookBackS, missed: sum.missed / this.lookBackS };
  }

  clear(): void {
    this.seconds = [];
  }
}
