import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { estimateTokenCount } from 'tokenx'
import { estimatedTokens } from '../../lib/history/estimated-tokens.ts'

describe('the estimate of tokens', () => {
  const same = (text: string) => assert.equal(estimatedTokens(text), estimateTokenCount(text), text)

  it('is that of tokenx, whatever the characters of ASCII', () => {
    const character = fc.nat(127).map((code) => String.fromCharCode(code))
    fc.assert(fc.property(fc.string({ unit: character, maxLength: 60 }), same), { numRuns: 2000 })
  })

  it('is that of tokenx, for words, numbers, marks and lines', () => {
    const piece = fc.constantFrom(
      ...['a', 'the', 'quickest', 'internationalization', "don't", 'CamelCase', 'x86', '7', '2026'],
      ...[
        '12345678901',
        '.',
        ', ',
        '...',
        '-------',
        ' ',
        '  ',
        '\n',
        '\n\n',
        '\n  ',
        ' \n',
        '.\n',
      ],
      ...['\t', '\r\n', '\v', '{"a":[1,2]}', '`', "'"],
    )
    const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''))
    fc.assert(fc.property(text, same), { numRuns: 2000 })
  })

  it('is that of tokenx, for any other text', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), same), { numRuns: 300 })
  })
})
