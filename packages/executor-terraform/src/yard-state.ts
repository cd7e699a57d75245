import type { StagedRun } from "./staged-run.ts";
import { parseStateDocument, type StateDocument } from "./state-document.ts";

const TIMEOUT_MS = 30_000;

/** A state of the yard's backend; undefined content when it cannot be read by this process or is encrypted. */
type YardState = { readonly kind: "missing" } | { readonly kind: "found"; readonly state?: StateDocument };

/**
 * Reads a state from the yard's backend, as the program does. Returns undefined for other backends, and when the server
 * cannot be reached from this process.
 */
export async function loadYardState({ isYard, environment }: StagedRun): Promise<YardState | undefined> {
  const { TF_HTTP_ADDRESS: address, TF_HTTP_USERNAME: user = "", TF_HTTP_PASSWORD: password = "" } = environment;
  if (!isYard || address === undefined) return undefined;
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  try {
    const response = await fetch(address, { headers: { authorization }, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = await response.text();
    if (response.status === 404) return { kind: "missing" };
    if (!response.ok) return undefined;
    const state = parseStateDocument(text);
    return state === undefined ? { kind: "found" } : { kind: "found", state };
  } catch {
    return undefined;
  }
}
