const known = new WeakMap<object, Map<string, Promise<unknown>>>()

/**
 * Runs tasks of the same name one after the other, within this process: they would only meet at the
 * store, and all but one of them try again.
 */
export function inTurn<T>(of: object, name: string, task: () => Promise<T>): Promise<T> {
  const lines = known.get(of) ?? new Map<string, Promise<unknown>>()
  known.set(of, lines)
  const before = lines.get(name)
  const done = before === undefined ? task() : before.then(task, task)
  lines.set(name, done)
  const leave = () => {
    if (lines.get(name) === done) lines.delete(name)
  }
  done.then(leave, leave)
  return done
}
