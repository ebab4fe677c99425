const { writeFileSync } = require('node:fs')
const { reporters } = require('mocha')

/** Mocha's usual report, and its figures in a file: passed, failed, skipped. */
module.exports = class SpecAndTotals extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options)
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats
      writeFileSync(options.reporterOptions.totals, `${passes} ${failures} ${pending}\n`)
    })
  }
}
