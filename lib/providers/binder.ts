import { type Call, Deadline } from '../deadline.ts'
import { StoreError } from '../errors.ts'
import type { OwnerKeys } from '../keys.ts'
import type { FieldKeys } from '../ports/fields.ts'
import { type Gate, told } from './gate.ts'
import type { Gates } from './gates.ts'

/** Keys of a call. */
export type Keys = readonly string[]
/** What `binder` makes. */
export type Bind = ReturnType<typeof binder>

/** Puts methods behind the gate of the keys they work on; their arguments tell which. */
export function binder(gates: Gates, deadlineMs: number) {
  return function bound<Args extends unknown[], T>(
    operation: string,
    keysOf: (first: NoInfer<Args>[0], args: NoInfer<Args>) => Keys,
    send: (...args: [...Args, Call]) => Promise<T>,
  ): (...args: [...Args, call?: Call]) => Promise<T> {
    const last = send.length - 1

    function gateBefore(args: Args): Gate {
      const keys = keysOf(args[0], args)
      try {
        return gates.before(keys)
      } catch (error) {
        throw told(operation, error)
      }
    }

    function pass(gate: Gate, args: unknown[]): Promise<T> {
      const deadline = (args[last] as Call | undefined)?.deadline ?? new Deadline(deadlineMs)
      return gate.pass(operation, deadline, (wait) => {
        args[last] = { deadline, wait }
        return send(...(args as [...Args, Call]))
      })
    }

    const { only } = gates
    if (only !== undefined) return (...args) => pass(only, args)
    return async (...args) => pass(gateBefore(args.slice(0, last) as Args), args)
  }
}

/** Keys of what belongs to an owner. */
export function owners(keys: OwnerKeys): Keys {
  return [keys.index]
}

/** Keys of named values. */
export function places(keys: FieldKeys): Keys {
  return [keys.fields]
}

/** Keys of several budgets. */
export function budgetKeys(each: readonly { readonly key: string }[]): Keys {
  return each.map(({ key }) => key)
}

/** The key that comes first. */
export function one(key: string): Keys {
  return [key]
}

/** The keys that come first. */
export function all(keys: Keys): Keys {
  return keys
}

/** Whatever the keys are. */
export function none(): Keys {
  return []
}

/** A reply that cannot be matched with what was asked would be taken for another's. */
export function oneEach<List extends readonly unknown[]>(
  operation: string,
  asked: readonly unknown[],
  replies: List,
): List {
  if (Array.isArray(replies) && replies.length === asked.length) return replies
  throw new StoreError(operation, 'corrupt')
}
