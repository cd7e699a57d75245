import { jsonFaults } from "./service-faults.ts";
import { findText, type NamedResource, type SimCall, type SimService, textOf } from "./sim-call.ts";
import { SimFault } from "./sim-fault.ts";

/** Secrets with versions and staging labels. */
interface SimSecretsManager {
  readonly service: SimService;
  /** Gives the ARN. */
  createSecret(input: SecretInput): string;
  /** Adds a new current version, as a rotation does. Readers see it from that instant on. */
  rotate(arn: string, value: string, visibleAt?: number): void;
  /** Marks it as deleted, as DeleteSecret does for the days of its recovery window. */
  scheduleDeletion(arn: string): void;
}

/** A secret's first version. */
interface SecretInput extends NamedResource {
  /** Text, or bytes. */
  readonly value: string | Uint8Array;
  /** Other accounts that its policy lets in. Default: none. */
  readonly sharedWith?: readonly string[];
}

interface Version {
  readonly id: string;
  readonly value: string | Uint8Array;
  readonly visibleAt: number;
}

interface Secret extends SecretInput {
  readonly arn: string;
  readonly versions: Version[];
  isDeleted: boolean;
}

/** "AWS Secrets Manager quotas": a value has at most 65,536 bytes. */
const MAX_BYTES = 65_536;

/**
 * Secrets Manager without secrets. Sources: API reference, "GetSecretValue" (errors, stages) and guide, "What's in a Secrets
 * Manager secret?" (six random characters at the end of an ARN; AWSCURRENT and AWSPREVIOUS).
 */
export function createSecretsManager(): SimSecretsManager {
  const secrets = new Map<string, Secret>();
  return {
    service: {
      operations: { GetSecretValue: (call) => getSecretValue([...secrets.values()], call) },
      toAction: (operation) => `secretsmanager:${operation}`,
      faults: jsonFaults,
    },
    createSecret(input) {
      const arn = `arn:aws:secretsmanager:${input.region}:${input.account}:secret:${input.name}-AbCdEf`;
      if (Buffer.byteLength(input.value) > MAX_BYTES) throw new SimFault("InvalidParameterException", 400, "Too long.");
      secrets.set(arn, { ...input, arn, versions: [{ id: "v1", value: input.value, visibleAt: 0 }], isDeleted: false });
      return arn;
    },
    rotate(arn, value, visibleAt = 0) {
      const versions = secrets.get(arn)?.versions ?? [];
      versions.unshift({ id: `v${versions.length + 1}`, value, visibleAt });
    },
    scheduleDeletion(arn) {
      const secret = secrets.get(arn);
      if (secret) secret.isDeleted = true;
    },
  };
}

/**
 * Finds a secret by name or ARN; a name reaches the caller's own account only. Without a stage the current version is
 * read.
 */
function getSecretValue(secrets: readonly Secret[], { input, identity, region, now }: SimCall): unknown {
  const id = textOf(input, "SecretId");
  const secret = secrets.find(
    (each) => each.region === region && (each.arn === id || (each.name === id && each.account === identity.account)),
  );
  if (secret === undefined) {
    throw new SimFault("ResourceNotFoundException", 400, "Secrets Manager can't find the specified secret.");
  }
  if (secret.account !== identity.account && !secret.sharedWith?.includes(identity.account)) {
    throw jsonFaults.denied(identity.arn, `secretsmanager:GetSecretValue on resource: ${secret.arn}`);
  }
  if (secret.isDeleted) {
    const why = "You can't perform this operation on the secret because it was marked for deletion.";
    throw new SimFault("InvalidRequestException", 400, why);
  }
  const visible = secret.versions.filter(({ visibleAt }) => visibleAt <= now);
  const stage = findText(input, "VersionStage") ?? "AWSCURRENT";
  const version = stage === "AWSCURRENT" ? visible[0] : stage === "AWSPREVIOUS" ? visible[1] : undefined;
  if (version === undefined) {
    const why = `Secrets Manager can't find the specified secret value for staging label: ${stage}`;
    throw new SimFault("ResourceNotFoundException", 400, why);
  }
  const value = typeof version.value === "string" ? { SecretString: version.value } : { SecretBinary: version.value };
  return { ARN: secret.arn, Name: secret.name, VersionId: version.id, VersionStages: [stage], ...value };
}
