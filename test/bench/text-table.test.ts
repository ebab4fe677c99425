import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { textTable } from '../../bench/text-table.ts'

describe('a table of the benchmark', () => {
  it('has its first column on the left and figures on the right', () => {
    const text = textTable([
      ['stack', 'req/s', 'commands'],
      ['bare handler', '1.00', '0'],
      ['another', '12.50', ''],
    ])
    assert.deepEqual(text.split('\n'), [
      'stack         req/s  commands',
      'bare handler   1.00         0',
      'another       12.50',
    ])
  })
})
