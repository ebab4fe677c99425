const { appendFileSync, writeFileSync } = require('node:fs')
const { reporters } = require('mocha')

/** Mocha's usual report, and in files its figures (passed, failed, skipped) and what failed. */
module.exports = class SpecAndTotals extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options)
    const { totals } = options.reporterOptions
    runner.on('fail', (test, error) => {
      const where = test.file ?? test.parent?.file ?? ''
      appendFileSync(`${totals}.failed`, `${test.fullTitle()} (${where})\n${told(error)}\n`)
    })
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats
      writeFileSync(totals, `${passes} ${failures} ${pending}\n`)
    })
  }
}

/** An error and its origin, indented, short enough to be read at the end of a long log. */
function told(error) {
  const text = error?.stack ?? String(error)
  return text
    .split('\n')
    .slice(0, 30)
    .map((line) => `    ${line}`)
    .join('\n')
}
