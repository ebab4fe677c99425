export type { CachedFunction, CachedOptions, Lookup } from './cached.ts'
export { cached } from './cached.ts'
export { configFromEnv, type Environment, type EnvironmentConfig } from './config.ts'
export type { Call, Deadline } from './deadline.ts'
export type { Duration } from './duration.ts'
export { type EncryptedOptions, type EncryptionKey, encrypted } from './encrypted.ts'
export {
  BusyError,
  EnvironmentError,
  isAway,
  MemorywareError,
  OptionError,
  type Outcome,
  RequestError,
  StoreError,
  type StoreFailure,
  UsageError,
} from './errors.ts'
export type { AnswerStatus, StoredAnswer } from './history/answer-entries.ts'
export type { Context, Forms } from './history/context.ts'
export type { ConversationTurns, TurnOptions } from './history/conversation-turns.ts'
export type {
  AiSdkMessage,
  AnthropicBlock,
  AnthropicMessage,
  InputItem,
  InputPart,
  OpenAiCall,
  OpenAiMessage,
  OpenAiPart,
  OpenAiText,
  UiPart,
} from './history/formats/forms.ts'
export type { AppendResult, ContextRequest, Memory } from './history/memory.ts'
export type {
  AnyMessage,
  CallingMessage,
  ContentPart,
  Message,
  MessageFormat,
  ResponseItem,
  Role,
  StoredMessage,
  ToolMessage,
  UiMessage,
} from './history/message.ts'
export type { RelayOptions } from './history/relay.ts'
export type { KoaReply, NodeReply, ReplyTarget } from './history/reply-target.ts'
export type { Summarize, TitleOf, TurnMode } from './history/scope.ts'
export type { SessionChanges } from './history/session-changes.ts'
export type { SessionInfo } from './history/session-info.ts'
export type { Page, Sessions } from './history/sessions.ts'
export type { Chunk } from './history/stream/chunk.ts'
export type { AnswerSource } from './history/stream/source.ts'
export type { StreamForm } from './history/stream/writer.ts'
export type { Turn, TurnSource } from './history/turn.ts'
export type { TypedHash } from './history/typed-hash.ts'
export {
  escapePattern,
  type Id,
  IdError,
  keyPart,
  type OwnerKeys,
  type SessionKeys,
} from './keys.ts'
export type { HeaderStyle } from './limit/header-fields.ts'
export type { LimitKey } from './limit/limit-key.ts'
export type { CheckedLimit, CheckOptions, Limiter } from './limit/limiter.ts'
export type { StoreErrorPolicy } from './limit/meter.ts'
export type { RateLimiterLike } from './limit/rate-limiter-like.ts'
export type { BlockRule, LimiterRule, ResponseEnd, Rule } from './limit/rule.ts'
export type { Decision, LimitStanding } from './limit/verdict.ts'
export type { Pipeline } from './pipeline.ts'
export type {
  Algorithm,
  Blocking,
  Budget,
  BudgetRule,
  Budgets,
  Charge,
  Lease,
  Settlement,
} from './ports/budgets.ts'
export type {
  Asked,
  Checkup,
  ClockReading,
  CommandWord,
  ConnectionFacts,
  KeySample,
  ServerFacts,
  ServerFields,
  ServerRights,
} from './ports/checkup.ts'
export type { Entries, FoundEntry, NewVariant, Purge, StoredEntry } from './ports/entries.ts'
export type { FieldBounds, FieldKeys, Fields, FieldsWritten } from './ports/fields.ts'
export type {
  Claimed,
  FillClaim,
  FillEnd,
  FillListener,
  FillPlace,
  Fills,
  FillView,
  SeenPlace,
} from './ports/fills.ts'
export type {
  AppendBounds,
  Appended,
  ChangeBounds,
  Changed,
  Changes,
  Conflict,
  Entry,
  Forgotten,
  Forked,
  HistoryLog,
  ListCursor,
  Listed,
  NewEntry,
  ReadRange,
  ReadResult,
  Rewound,
  RoleLetter,
  SessionMeta,
  Summary,
  TurnRecord,
} from './ports/history.ts'
export type {
  ClientsInfo,
  Inspection,
  MemoryInfo,
  NodeInfo,
  SlowCommand,
  StatsInfo,
} from './ports/inspection.ts'
export type { Batch, Command, Counter, Expiry, Keyspace, KeyValue } from './ports/key-value.ts'
export type { Parts, Provider } from './ports/provider.ts'
export type { PubSub } from './ports/pub-sub.ts'
export type {
  Batch as AnswerBatch,
  Begun,
  EndedTurn,
  TurnClaim,
  TurnHold,
  TurnListener,
  Turns,
  TurnView,
  Written,
} from './ports/turns.ts'
export { type EmbeddedOptions, embeddedProvider } from './providers/embedded/provider.ts'
export { json, type Serializer, type SerializerContext } from './serializer.ts'
export {
  createStore,
  defaultStore,
  type PoolOptions,
  type RedisClient,
  type SentinelOptions,
  type Store,
  type StoreOptions,
} from './store.ts'
export type { StoreInfo } from './store-info.ts'
export type {
  CacheEvent,
  ErrorEvent,
  LimitEvent,
  NoticeEvent,
  SettleEvent,
  StoreEvent,
} from './telemetry.ts'
