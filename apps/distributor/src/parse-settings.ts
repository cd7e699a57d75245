import { findEmulator } from "@stackyard/aws";
import { checkEnvironment, type EnvironmentVariables } from "@stackyard/core/environment";
import type { DistributorConfig } from "@stackyard/distributor/function";
import { VARIABLES } from "./distributor-variables.ts";

/** The settings of the app. */
export interface Settings {
  readonly config: DistributorConfig;
  readonly table: string;
  readonly signerRole?: string;
}

/** Parses the environment. Throws one `CONFIG_INVALID` that lists all problems, without values. */
export function parseSettings(environment: EnvironmentVariables): Settings {
  checkEnvironment(environment, VARIABLES);
  const { RECORDS_TABLE: table = "", SIGNER_ROLE } = environment;
  return { config: toConfig(environment), table, ...(SIGNER_ROLE ? { signerRole: SIGNER_ROLE } : {}) };
}

function toConfig(environment: EnvironmentVariables): DistributorConfig {
  const { ARTIFACTS_BUCKET: bucket = "", ARTIFACT_PREFIX, DISTRIBUTION_TOPIC: topicArn = "" } = environment;
  const { UPLOAD_PREFIX, ORGANIZATION_ID, INITIAL_SET_MACHINE } = environment;
  // The topic's ARN contains the distributor's account and region.
  const [, , , region = "", account = ""] = topicArn.split(":");
  return {
    account,
    region,
    bucket,
    topicArn,
    prefix: ARTIFACT_PREFIX || "",
    ...(UPLOAD_PREFIX ? { uploadPrefix: UPLOAD_PREFIX === "/" ? "" : UPLOAD_PREFIX } : {}),
    trustedAccounts: toAccounts(environment["TRUSTED_ACCOUNTS"]),
    ...(ORGANIZATION_ID ? { organizationId: ORGANIZATION_ID } : {}),
    ...(INITIAL_SET_MACHINE ? { machineArn: INITIAL_SET_MACHINE } : {}),
    ...toChoices(environment),
  };
}

function toChoices(environment: EnvironmentVariables): Partial<DistributorConfig> {
  const { URL_SECONDS, OVERDUE_SECONDS, KEEP_DAYS, TRANSFER } = environment;
  return {
    ...(URL_SECONDS ? { urlSeconds: Number(URL_SECONDS) } : {}),
    ...(OVERDUE_SECONDS ? { overdueSeconds: Number(OVERDUE_SECONDS) } : {}),
    ...(KEEP_DAYS ? { keepDays: Number(KEEP_DAYS) } : {}),
    ...(isTransfer(TRANSFER) ? { transfer: TRANSFER } : {}),
    ...(findEmulator(environment, "S3") === undefined ? {} : { pathStyleUrls: true }),
  };
}

function toAccounts(text = ""): readonly string[] {
  return [...new Set(text.split(",").map((account) => account.trim()))].filter((account) => account !== "");
}

function isTransfer(text: string | undefined): text is NonNullable<DistributorConfig["transfer"]> {
  return text === "presigned" || text === "identity" || text === "auto";
}
