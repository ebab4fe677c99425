import { OptionError } from '../errors.ts'
import { checkNames } from '../options.ts'
import { tagMark } from './marks.ts'
import { type PurgeStore, purge } from './purge.ts'

/**
 * Purges what carries one of the tags.
 *
 * @throws OptionError for a wrong or unknown option, IdError for what is no tag, StoreError where the
 * store is away.
 */
export async function purgeTags(
  store: PurgeStore,
  which: { readonly tags: readonly unknown[]; readonly soft?: boolean },
): Promise<void> {
  checkNames('purge', which, { tags: true, soft: true })
  const { tags, soft = false } = which
  if (!Array.isArray(tags)) throw new OptionError('purge.tags', 'a list of tags', tags)
  if (typeof soft !== 'boolean') throw new OptionError('purge.soft', 'true or false', soft)
  await purge(store, [...new Set(tags.map(tagMark))], soft)
}
