import { type Failed, failed } from "@stackyard/core";
import { parseDuration } from "@stackyard/core/machine";
import type { RunCommandConfig } from "./definition.ts";

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;

type Length = "timeout" | "deliveryTimeout" | "agentTimeout";

/** API reference, SendCommand: TimeoutSeconds is 30 to 2,592,000; shell documents take 1 to 172,800 s. */
const LIMITS: readonly (readonly [key: Length, minMs: number, maxMs: number, said: string])[] = [
  ["timeout", SECOND_MS, 2 * DAY_MS, "1s to 48h"],
  ["deliveryTimeout", 30 * SECOND_MS, 30 * DAY_MS, "30s to 30d"],
  ["agentTimeout", SECOND_MS, DAY_MS, "1s to 24h"],
];

/** Everything that is wrong with a config although it fits the schema, as the failure of the attempt. */
export function findConfigFault(config: RunCommandConfig): Failed | undefined {
  const problems = [...listLengthProblems(config), ...listChoiceProblems(config)];
  if (problems.length === 0) return undefined;
  return failed({ code: "CONFIG_INVALID", message: problems.join(" "), retryable: false });
}

function listLengthProblems(config: RunCommandConfig): readonly string[] {
  return LIMITS.flatMap(([key, minMs, maxMs, said]) => {
    const text = config[key];
    const ms = text === undefined ? minMs : parseDuration(text);
    return ms !== undefined && ms >= minMs && ms <= maxMs ? [] : [`/${key} must be ${said}, not ${text}.`];
  });
}

function listChoiceProblems(config: RunCommandConfig): readonly string[] {
  const { document, profile, parameters, documentVersion, instance, instanceIds, targets } = config;
  const ofDocument = parameters !== undefined || documentVersion !== undefined;
  return [
    ...(document !== undefined && profile !== undefined ? ["/document and /profile exclude each other."] : []),
    ...(document === undefined && ofDocument ? ["/parameters and /documentVersion need a /document."] : []),
    ...(instance !== undefined && (instanceIds ?? targets) !== undefined
      ? ["/instance goes with neither /instanceIds nor /targets."]
      : []),
  ];
}
