import { StoreError } from '../../errors.ts'

/**
 * Refuses what would hold up everybody else on the connection.
 *
 * @throws StoreError `full`, before anything is sent.
 */
export function checkSize(operation: string, bytes: number, maxValueBytes: number): void {
  if (bytes <= maxValueBytes) return
  const cause = new RangeError(
    `The value has ${bytes} bytes, \`maxValueBytes\` is ${maxValueBytes}`,
  )
  throw new StoreError(operation, 'full', { cause, outcome: 'not-sent' })
}
