import { aiSdkFaults } from './ai-sdk.ts'
import { anthropicFaults } from './anthropic.ts'
import { openAiFaults } from './openai.ts'
import { responsesFaults } from './responses.ts'

/** Forms that a provider takes. */
export type Form = 'openai' | 'openai-responses' | 'anthropic' | 'ai-sdk'

/** All of them. */
export const forms: readonly Form[] = ['openai', 'openai-responses', 'anthropic', 'ai-sdk']

/** What a provider would refuse in these messages, by its rules. */
export const faultsIn: Readonly<Record<Form, (messages: readonly unknown[]) => string[]>> = {
  openai: openAiFaults,
  'openai-responses': responsesFaults,
  anthropic: anthropicFaults,
  'ai-sdk': aiSdkFaults,
}
