// The last line of a run.
export default class Summary {
  passed = 0;
  failed = 0;

  onTestEnd(test, result) {
    if (result.status === 'skipped') return;
    if (result.status === test.expectedStatus) this.passed += 1;
    else this.failed += 1;
  }

  onEnd(result) {
    if (result.status !== 'passed' && this.failed === 0) this.failed = 1; // the server did not start, say
    process.stdout.write(`${this.passed} passed, ${this.failed} failed\n`);
  }

  printsToStdio() {
    return false;
  }
}
