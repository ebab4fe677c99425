/** Gives what a task gives, or rejects once its time is over; `signal` fires then. */
export async function withinMs<T>(
  limitMs: number,
  what: string,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ending = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`${what} did not come within ${limitMs / 1000} s`)
      ending.abort(error)
      reject(error)
    }, limitMs).unref()
  })
  try {
    return await Promise.race([task(ending.signal), late])
  } finally {
    clearTimeout(timer)
  }
}
