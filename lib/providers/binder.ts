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
  function gateBefore(operation: string, keys: Keys): Gate {
    try {
      return gates.before(keys)
    } catch (error) {
      throw told(operation, error)
    }
  }

  return function bound<Args extends unknown[], T>(
    operation: string,
    keysOf: (first: NoInfer<Args>[0], args: NoInfer<Args>) => Keys,
    send: (...args: [...Args, Call]) => Promise<T>,
  ): (...args: [...Args, call?: Call]) => Promise<T> {
    return async (...given) => {
      const args = given.slice(0, send.length - 1) as Args
      const call = given[send.length - 1] as Call | undefined
      const deadline = call?.deadline ?? new Deadline(deadlineMs)
      return gateBefore(operation, keysOf(args[0], args)).pass(operation, deadline, (wait) =>
        send(...args, { deadline, wait }),
      )
    }
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
