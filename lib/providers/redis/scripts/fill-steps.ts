/** Steps in Lua that scripts on fills share. */

/** The time by the server's clock, in microseconds, as text. */
export const micros = /* lua */ `
    local time = redis.call('TIME')
    local now = string.format('%.0f', time[1] * 1000000 + time[2])
`

/**
 * Reads who holds a fill: a HASH of token, runner and `since`, of `watched` once somebody waits, and
 * of `bytes` once there are pieces. After an answer that could not be shared it has `how` instead.
 */
export const holder = /* lua */ `
    local function holder(key)
      local held = redis.call('HMGET', key, 'token', 'how', 'since', 'runner', 'watched', 'bytes')
      return {
        token = held[1], how = held[2], since = held[3], runner = held[4],
        watched = held[5], bytes = tonumber(held[6]),
      }
    end

    local function holds(fill, token) return fill.token == token and not fill.how end
`
