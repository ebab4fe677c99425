import { type Script, script } from '../script.ts'

/** Forgets a cached resource with all its variants, and whatever else stands in its place. */
export const drop: Script<[resource: string], [], void> = script(
  /* lua */ `
    -- What is no HASH has no variants: an error is no list.
    for _, field in ipairs(redis.pcall('HKEYS', KEYS[1])) do
      local name = string.match(field, '^v:(.*)$')
      if name then redis.pcall('UNLINK', KEYS[1] .. ':' .. name) end
    end
    redis.call('UNLINK', KEYS[1])
  `,
  () => undefined,
)
