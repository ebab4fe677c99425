import type { Store } from 'memoryware'

/** What a user is shown first. */
export interface Profile {
  readonly name: string
}

/** Counts a visit and reads what the page needs, in one round trip. */
export async function visit(
  store: Store,
  user: string,
): Promise<{ visits: number; profile: Profile | undefined }> {
  const [visits, profile] = await store
    .pipeline()
    .incr(`visits:${user}`)
    .get<Profile>(`profile:${user}`)
    .expire(`visits:${user}`, '30d')
    .set(`seen:${user}`, Date.now(), { ttl: '30d' })
    .exec()
  return { visits, profile }
}

/** Saves many profiles in one round trip. */
export async function saveProfiles(
  store: Store,
  profiles: Readonly<Record<string, Profile>>,
): Promise<void> {
  const entries = Object.entries(profiles).map(([user, profile]) => [`profile:${user}`, profile])
  await store.mset(Object.fromEntries(entries), { ttl: '30d' })
}

/** Reads them in one round trip: one element a user, in order, `undefined` where there is none. */
export async function profiles(
  store: Store,
  users: readonly string[],
): Promise<(Profile | undefined)[]> {
  return store.mget<Profile>(users.map((user) => `profile:${user}`))
}
