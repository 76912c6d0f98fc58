import type { Page } from '@playwright/test';

/** How a page ran for a while, as its user feels it. */
export interface Frames {
  /** Longest time that the main thread was busy with one thing. */
  longestTaskMs: number;
  /** How many things took over 50 ms: what the browser calls a long task. */
  longTasks: number;
  /** Longest time without a new picture. */
  longestFrameGapMs: number;
  framesPerSecond: number;
}

/** Measures in the page itself. */
export function watchFrames(page: Page, forMs: number): Promise<Frames> {
  return page.evaluate(async (duration) => {
    let longestTaskMs = 0;
    let longTasks = 0;
    const observer = new PerformanceObserver((list) => {
      for (const task of list.getEntries()) {
        longTasks++;
        longestTaskMs = Math.max(longestTaskMs, task.duration);
      }
    });
    observer.observe({ type: 'longtask' });
    const start = performance.now();
    let longestFrameGapMs = 0;
    let frames = 0;
    let last = start;
    while (last - start < duration) {
      const now = await new Promise<number>((resolve) => requestAnimationFrame(() => resolve(performance.now())));
      longestFrameGapMs = Math.max(longestFrameGapMs, now - last);
      last = now;
      frames++;
    }
    observer.disconnect();
    return { longestTaskMs, longTasks, longestFrameGapMs, framesPerSecond: (1000 * frames) / (last - start) };
  }, forMs);
}
