import { HumanMessage } from '@langchain/core/messages'
import { RedisChatMessageHistory } from '@langchain/redis'
import apicache, { type CallbackClient } from 'apicache'
import { RedisStore as SessionStore } from 'connect-redis'
import express, {
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
} from 'express'
import { rateLimit } from 'express-rate-limit'
import session from 'express-session'
import { Redis } from 'ioredis'
import { RedisStore as LimitStore, type RedisReply } from 'rate-limit-redis'
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { sessionCookie, sessionSecret } from '../../bench/session-cookie.ts'
import { serveForked } from './fault-server.ts'

/** What others use for one of the three jobs, each with the options that its readme shows. */
export type PeerName =
  | 'express-session'
  | 'express-rate-limit'
  | 'rate-limiter-flexible'
  | 'list-history'
  | 'langchain-history'
  | 'apicache'

/** What a peer of the fault table is told, as JSON. */
export interface PeerOptions {
  readonly peer: PeerName
  readonly url: string
}

/** A peer as it is mounted. Where it keeps no messages there is nothing to say or read. */
interface Peer {
  readonly mounted?: readonly RequestHandler[]
  say?(req: Request, id: string): Promise<void>
  read?(req: Request): Promise<readonly unknown[]>
}

declare module 'express-session' {
  interface SessionData {
    said?: readonly string[]
  }
}

const plenty = 1_000_000

const peers: Readonly<Record<PeerName, (url: string) => Peer | Promise<Peer>>> = {
  'express-session': (url) => ({
    mounted: [
      signIn,
      session({
        store: new SessionStore({ client: open(url), prefix: 'myapp:' }),
        resave: false,
        saveUninitialized: false,
        secret: sessionSecret,
        // Who has the cookie of a session that is gone gets one of the same name.
        genid: (req) => String(req.headers['x-user']),
      }),
    ],
    async say({ session }, id) {
      session.said = [...(session.said ?? []), id]
    },
    read: async ({ session }) => session.said ?? [],
  }),

  'express-rate-limit'(url) {
    const client = open(url)
    return {
      mounted: [
        rateLimit({
          windowMs: 60_000,
          limit: plenty,
          standardHeaders: true,
          legacyHeaders: false,
          store: new LimitStore({
            sendCommand: (command: string, ...args: string[]) =>
              client.call(command, ...args) as Promise<RedisReply>,
          }),
        }),
      ],
    }
  },

  'rate-limiter-flexible'(url) {
    const [points, duration] = [plenty, 60]
    const limiter = new RateLimiterRedis({
      storeClient: open(url),
      points,
      duration,
      insuranceLimiter: new RateLimiterMemory({ points, duration }),
    })
    return {
      mounted: [
        async function limited(req, res, next) {
          try {
            await limiter.consume(String(req.ip))
            next()
          } catch (refused) {
            if (!(refused instanceof RateLimiterRes)) return next(refused)
            res.status(429).send('Too Many Requests')
          }
        },
      ],
    }
  },

  'list-history'(url) {
    const client = open(url)
    return {
      say: async (req, id) => void (await client.rpush(`history:${req.get('x-user')}`, id)),
      read: (req) => client.lrange(`history:${req.get('x-user')}`, 0, -1),
    }
  },

  async 'langchain-history'(url) {
    // One client is made for each `config` object: it is the same for all.
    const config = { url }
    const of = (sessionId: string) => new RedisChatMessageHistory({ sessionId, config })
    // Connects: two histories that find the client closed would both open it.
    await of('first').getMessages()
    return {
      say: (req, id) => of(String(req.get('x-user'))).addMessage(new HumanMessage(id)),
      read: async (req) =>
        (await of(String(req.get('x-user'))).getMessages()).map(({ content }) => content),
    }
  },

  apicache: (url) => ({
    mounted: [apicache.options({ redisClient: callbackClient(open(url)) }).middleware('5 minutes')],
  }),
}

// What ends a process ends this one too, without filling the tests' output.
process.once('uncaughtException', () => process.exit(1))
const { peer, url } = JSON.parse(process.argv[2] ?? '{}') as PeerOptions
await serveForked(appOf(await peers[peer](url)), () => process.exit(0))

function appOf({ mounted = [], say, read }: Peer) {
  const app = express()
  app.use(...mounted, async (req: Request, res: Response) => {
    if (req.query['read'] === undefined) {
      await say?.(req, String(req.query['say']))
      res.json({})
    } else if (read) res.json(await read(req))
    else res.status(404).end()
  })
  app.use((_error: unknown, _req: Request, res: Response, _next: NextFunction) => {
    res.status(500).end()
  })
  return app
}

/** A client as it is without options. */
function open(url: string): Redis {
  const client = new Redis(url)
  // It would print each error.
  client.on('error', () => {})
  return client
}

/** Gives a request the cookie that its user would have. */
function signIn(req: Request, _res: Response, next: NextFunction): void {
  req.headers.cookie = sessionCookie(String(req.get('x-user')))
  next()
}

/** apicache asks for a member `connected`, as node-redis 3 had it; callbacks ioredis takes too. */
function callbackClient(redis: Redis): CallbackClient {
  return {
    get connected() {
      return redis.status === 'ready'
    },
    hgetall: (key, done) => redis.hgetall(key, (error, fields) => done(error ?? null, fields)),
    hset: (key, field, value) => redis.hset(key, field, value),
    expire: (key, seconds, done) => redis.expire(key, seconds, done),
    del: (key) => redis.del(key),
  }
}
