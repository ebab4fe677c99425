import { describe, it } from 'mocha'
import { forms } from '../support/validators/faults.ts'
import { checkRoundTrips, checkWindows, stored } from '../support/window-checks.ts'

describe('windows of made up conversations', () => {
  for (const format of stored)
    it(`stored as ${format} are valid in every form`, () => checkWindows(format, 300)).timeout(
      60_000,
    )

  for (const form of forms)
    it(`stored as ${form} come out as they went in`, () => checkRoundTrips(form, 300))
})
