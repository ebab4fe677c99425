/** A value now or later. Where it is there now, nobody makes a promise of it. */
export type Awaitable<T> = T | Promise<T>
