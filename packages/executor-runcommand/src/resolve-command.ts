import type { RunCommandConfig } from "./definition.ts";
import { toLengths } from "./definition.ts";
import type { ProfileDefinition } from "./document/profile-definition.ts";
import { type ProfileProblem, type ResolvedProfile, resolveProfile } from "./document/resolve-profile.ts";
import { inventory } from "./inventory.ts";
import type { Platform } from "./select-instances.ts";

/** Whom a command is for, and when its run began. */
export interface CommandSubject {
  readonly platform: Platform;
  /** Of all of its instances. `from-tags`: they differ, and each instance reads its own tag. */
  readonly roles: readonly string[] | "from-tags";
  readonly startedAt: number;
}

/** The document and parameters that instances of one platform with the same roles are sent. */
export function resolveCommand(
  config: RunCommandConfig,
  subject: CommandSubject,
  profiles: Readonly<Record<string, ProfileDefinition>> = {},
): ResolvedProfile | ProfileProblem {
  const timeoutSeconds = Math.ceil(toLengths(config).timeout / 1_000);
  if (config.document !== undefined) return toOwnDocument(config, config.document, timeoutSeconds);
  return resolveProfile(config.profile ?? "ansible", {
    artifact: config.artifact,
    inventory: toInventory(subject.roles),
    platform: subject.platform,
    timeoutSeconds,
    stamp: new Date(subject.startedAt).toISOString().replace(/\D/g, "").slice(0, 14),
    profiles,
  });
}

/** Shell documents of AWS have a time limit of their own, an hour unless it is said. */
const SHELL_DOCUMENTS: ReadonlySet<string> = new Set(["AWS-RunShellScript", "AWS-RunPowerShellScript"]);

function toOwnDocument(config: RunCommandConfig, documentName: string, timeoutSeconds: number): ResolvedProfile {
  const { documentVersion, parameters = {} } = config;
  const limit = SHELL_DOCUMENTS.has(documentName) ? { executionTimeout: [String(timeoutSeconds)] } : {};
  return {
    kind: "resolved",
    documentName,
    ...(documentVersion === undefined ? {} : { documentVersion }),
    parameters: { ...limit, ...parameters },
    perInstanceInventory: false,
  };
}

function toInventory(roles: CommandSubject["roles"]): string | { readonly kind: "from-tags" } {
  if (roles === "from-tags") return { kind: "from-tags" };
  const found = inventory(roles.join());
  return "code" in found ? "" : found.text;
}
