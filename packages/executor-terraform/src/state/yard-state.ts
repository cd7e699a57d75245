import { randomUUID } from "node:crypto";
import { collectBytes, isMap, parseJson, toShellCommand } from "@stackyard/core";
import { type JsonObject, TerraformFailure, textAt } from "../run/failure.ts";
import type { StagedRun } from "../run/staged-run.ts";
import { readStateDocument, type StateDocument } from "./state-document.ts";

const TIMEOUT_MS = 30_000;
/** Far more than a server of the yard keeps. */
const MAX_BYTES = 256 * 1024 * 1024;
type Call = Pick<StagedRun, "ctx" | "isYard" | "environment" | "settings">;

/** A state of the yard's backend; undefined content when it cannot be read by this process or is encrypted. */
type YardState = { readonly kind: "missing" } | { readonly kind: "found"; readonly state?: StateDocument };

/**
 * Reads a state from the yard's backend, as the program does. Returns undefined for other backends, and when the server
 * cannot be reached from this process.
 */
export async function loadYardState(run: Call): Promise<YardState | undefined> {
  const response = await callYard(run, "GET");
  if (response === undefined) return undefined;
  if (response.status === 404) return { kind: "missing" };
  const report = (line: string) => run.ctx.report(line);
  const state = await readStateDocument({ from: { bytes: response.bytes }, report });
  return state === undefined ? { kind: "found" } : { kind: "found", state };
}

/** Adds who holds the lock to the failure of a run that did not get it. */
export async function withLockHolder(run: StagedRun, failure: TerraformFailure): Promise<TerraformFailure> {
  if (failure.code !== "TERRAFORM_STATE_LOCKED") return failure;
  const holder = await findLockHolder(run);
  if (holder === undefined) return failure;
  const [first = "", ...rest] = failure.message.split("\n");
  return new TerraformFailure(failure.code, [`${first} ${holder}`, ...rest].join("\n"), { cause: failure });
}

/**
 * Returns who holds the lock of a state in the yard's backend, in one sentence: Terraform prints its own lock. Tries to
 * acquire the lock, and releases it if it is free by now. Returns undefined when nothing is known.
 */
async function findLockHolder(run: Call & Pick<StagedRun, "stateKey">): Promise<string | undefined> {
  const own = JSON.stringify({ ID: randomUUID(), Operation: "find the holder", Who: "stackyard" });
  const response = await callYard(run, "LOCK", own);
  if (response?.status === 200) await callYard(run, "UNLOCK", own);
  if (response?.status !== 423) return undefined;
  const lock = parseJson(response.bytes.toString("utf8"));
  return isMap(lock) ? toHolderText(lock, run.stateKey) : undefined;
}

function toHolderText(lock: JsonObject, stateKey: string): string {
  const { holder, who, operation, since, id } = {
    holder: textAt(lock, "Info"),
    who: textAt(lock, "Who"),
    operation: textAt(lock, "Operation"),
    since: textAt(lock, "Created"),
    id: textAt(lock, "ID"),
  };
  const facts = [who, operation, since && `since ${since}`].filter((fact) => fact !== "");
  return (
    `The holder is ${holder || "unknown"}${facts.length === 0 ? "" : ` (${facts.join(", ")})`}. ` +
    `The lock of an attempt ends with its lease. Release one of a person with \`${toShellCommand`stackyard states unlock ${stateKey} ${id}`}\`.`
  );
}

async function callYard({ isYard, environment, settings }: Call, method: string, body?: string) {
  const { TF_HTTP_ADDRESS: address, TF_HTTP_USERNAME: user = "", TF_HTTP_PASSWORD: password = "" } = environment;
  if (!isYard || address === undefined) return undefined;
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await settings.fetch(address, {
      method,
      headers: { authorization },
      signal,
      ...(body && { body }),
    });
    const bytes = await collectBytes(response.body ?? [], MAX_BYTES);
    const isAnswer = response.ok || [404, 423].includes(response.status);
    return isAnswer && bytes !== undefined ? { status: response.status, bytes } : undefined;
  } catch {
    // Terraform may reach the server by a proxy or a certificate that this process does not know.
    return undefined;
  }
}
