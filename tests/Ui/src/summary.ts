import type { FullConfig, FullResult, Reporter, Suite, TestCase, TestResult } from '@playwright/test/reporter';

/** A line for each test, what failed at the end, and as the last line how many. */
export default class Summary implements Reporter {
  private readonly counts = { passed: 0, failed: 0, skipped: 0 };

  onBegin(_config: FullConfig, suite: Suite): void {
    console.log(`${suite.allTests().length} tests of the page`);
  }

  onTestEnd(test: TestCase, result: TestResult): void {
    const outcome = result.status === 'passed' ? 'passed' : result.status === 'skipped' ? 'skipped' : 'failed';
    this.counts[outcome]++;
    const notes = test.annotations.filter((note) => note.description).map((note) => `${note.type}: ${note.description}`);
    console.log(`  ${outcome}  ${test.titlePath().slice(3).join(' > ')} (${(result.duration / 1000).toFixed(1)} s)${notes.length > 0 ? ` [${notes.join('; ')}]` : ''}`);
    for (const error of result.errors) {
      console.log((error.stack ?? error.message ?? String(error.value)).replace(/^/gm, '      '));
    }
  }

  onError(error: { message?: string; stack?: string }): void {
    this.counts.failed++;
    console.log(error.stack ?? error.message);
  }

  onEnd(result: FullResult): void {
    const { passed, failed, skipped } = this.counts;
    // Nothing that ran is no success, whatever the reason.
    const lost = failed === 0 && (passed === 0 || result.status !== 'passed') ? 1 : 0;
    console.log(`${passed} passed, ${failed + lost} failed, ${skipped} skipped`);
    process.exitCode = failed + lost > 0 ? 1 : 0;
  }
}
