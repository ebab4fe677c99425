/** A value now or later. */
export type Awaitable<T> = T | Promise<T>

/** Whether it must be waited for; a query builder, for one, is no promise and yet has a `then`. */
export function isLater<T>(value: Awaitable<T>): value is Promise<T> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  )
}

/** Goes on with a value: at once where it is there, else when it comes. */
export function withValue<T, Next>(
  value: Awaitable<T>,
  next: (value: T) => Awaitable<Next>,
): Awaitable<Next> {
  return isLater(value) ? Promise.resolve(value).then(next) : next(value)
}
