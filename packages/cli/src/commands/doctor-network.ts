import { isStackyardError, toDnsSuffix } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { findWay, toDeepestReason, toWayHint } from "@stackyard/core/environment";
import { type Finding, fail, failOf, ok } from "@stackyard/sdk/commands";
import type { CommandContext } from "../command.ts";
import type { ConfigFile } from "../project/config.ts";
import { createProjectSecrets } from "../project/secrets.ts";
import { loadAddresses } from "../project/services.ts";

type Environment = CommandContext["env"];

const TIMEOUT_MS = 10_000;

/** Tries each address that servers and workers call: issuers, code hosts, channels of chat, AWS. Says which way each request goes. */
export async function checkNetwork(file: ConfigFile, env: Environment): Promise<readonly Finding[]> {
  const { checkIssuer } = await import("@stackyard/server");
  const askIssuer = (issuer: string) => checkIssuer(issuer, { clock: systemClock });
  const issuers = findIssuers(file).map((issuer) => tryAddress("issuer", issuer, { env, call: askIssuer }));
  const { addresses, findings } = await findAddresses(file, env);
  const others = addresses.map((address) => tryAddress("network", address, { env, call }));
  return [...(await Promise.all([...issuers, ...others])), ...findings];
}

function findIssuers({ config: { access } }: Pick<ConfigFile, "config">): readonly string[] {
  return [...new Set([access?.people, ...(access?.workloads ?? [])].flatMap((each) => each?.issuer ?? []))];
}

/** Returns the addresses, each once, and for each plugin whose addresses are not known, why. */
async function findAddresses(file: ConfigFile, env: Environment) {
  const { AWS_REGION, AWS_ENDPOINT_URL } = env;
  const aws = AWS_ENDPOINT_URL ?? (AWS_REGION && `https://sts.${AWS_REGION}.${toDnsSuffix(AWS_REGION)}`);
  const own = aws ? [aws] : [];
  const readSecret = createProjectSecrets(file, { env });
  const { addresses, faults } = await loadAddresses(file, { environment: env, readSecret }).catch((error: unknown) => ({
    addresses: [],
    faults: [error],
  }));
  const hint = "Correct the options of the plugin, or its document.";
  return {
    addresses: [...new Set([...addresses, ...own].map(withoutCredentials))],
    findings: faults.map((fault) => failOf("network", fault, hint)),
  };
}

/** Returns an address without its user, its password and its query, which may be a signature: the rest is requested and shown. */
export function withoutCredentials(address: string): string {
  const url = URL.parse(address);
  if (url === null) return address;
  return `${url.origin}${url.pathname === "/" ? "" : url.pathname}`;
}

/** Any answer will do: the address is reached. */
async function call(address: string): Promise<void> {
  await fetch(address, { method: "HEAD", redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) });
}

interface TryInput {
  readonly env: Environment;
  readonly call: (address: string) => Promise<void>;
}

async function tryAddress(check: string, address: string, { env, call }: TryInput): Promise<Finding> {
  const way = findWay(new URL(address), env);
  const said = way.kind === "proxy" ? `through the proxy ${way.proxy} of ${way.variable}` : "directly";
  try {
    await call(address);
    return ok(check, `${address} answers, ${said}.`);
  } catch (error) {
    const isWrongAnswer = isStackyardError(error) && error.code !== "UNREACHABLE";
    const message = isWrongAnswer ? error.message : `${address} does not answer: ${toDeepestReason(error)}.`;
    return fail(check, `${message} It was asked ${said}.`, toWayHint(way, error));
  }
}
