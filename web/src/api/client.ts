import { watched } from '../lib/progress';
import { isTokenWanted, token } from '../lib/token';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];

/** Operations that answer with JSON. */
export type JsonPath = { [P in keyof paths]: paths[P] extends { get: { responses: { 200: { content: { 'application/json': unknown } } } } } ? P : never }[keyof paths];
export type Answer<P extends JsonPath> = paths[P] extends { get: { responses: { 200: { content: { 'application/json': infer T } } } } } ? T : never;
export type Parameters<P extends keyof paths> = paths[P] extends { get: { parameters: { query?: infer Q } } } ? ([NonNullable<Q>] extends [never] ? Record<string, never> : NonNullable<Q>) : never;

/** What kept an answer from coming; message is for people. */
export class ApiError extends Error {
  constructor(
    message: string,
    /** HTTP status; 0 when the agent did not answer. */
    readonly status: number,
  ) {
    super(message);
  }
}

function search(parameters: Record<string, unknown>): string {
  const text = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null && value !== '') {
      text.set(name, typeof value === 'number' ? String(value) : (value as string));
    }
  }
  return text.size === 0 ? '' : `?${text.toString()}`;
}

/** Asks and hands on the answer whatever it is; 401 makes the page ask for a token. */
export async function ask(path: string, parameters: Record<string, unknown>, accept: string, stop: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path + search(parameters), {
      headers: { accept, ...(token.value === '' ? {} : { authorization: `Bearer ${token.value}` }) },
      signal: stop,
    });
  } catch (e) {
    if (stop.aborted) {
      throw e;
    }
    throw new ApiError('The agent does not answer. Is it running? This page goes on by itself once it is.', 0);
  }
  if (response.status === 401) {
    isTokenWanted.value = true;
  }
  if (!response.ok) {
    const problem = (await response.json().catch(() => null)) as Schemas['Problem'] | null;
    throw new ApiError(problem?.error ?? `The agent answers ${response.status}.`, response.status);
  }
  return response;
}

/** Asks an operation of openapi.json. */
export async function get<P extends JsonPath>(path: P, parameters: Parameters<P>, stop: AbortSignal): Promise<Answer<P>> {
  return watched(ask(path, parameters, 'application/json', stop).then(async (response) => (await response.json()) as Answer<P>));
}
