/**
 * Makes methods of strings quick again. The driver has a class that extends `String`: loading it
 * makes a dictionary of `String.prototype` in V8, and from then on no method of any string in the
 * process is inlined, `charCodeAt` in a loop takes four times as long. V8 puts that right when a
 * method is read from a String object, but only by code that has run often enough to have caches.
 */
export function quickenStrings(): void {
  const boxed: unknown = Object('text')
  let read = 0
  for (let at = 0; at < often; at += 1) read += (boxed as string).concat.length
  if (read !== often) throw new TypeError('String.prototype.concat takes one argument')
}

const often = 2000
