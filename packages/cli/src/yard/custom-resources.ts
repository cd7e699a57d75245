import { toArnPart } from "@stackyard/aws";
import type { Records } from "@stackyard/core";
import { VARIABLE_FORMS } from "@stackyard/core/environment";
import { failWith } from "../failure.ts";
import type { ConfigFile } from "../project/config.ts";
import { formatImportError, importOwn } from "../project/modules.ts";
import type { AwsDeps } from "../project/secrets.ts";
import { readVariables } from "../variables.ts";

const TABLE = new RegExp(VARIABLE_FORMS.table.pattern);
const TABLE_ARN = /^arn:[a-z-]+:dynamodb:[a-z0-9-]+:\d{12}:table\/[A-Za-z0-9_.-]{3,255}$/;

/** The package with the driver of DynamoDB, which only some projects have. */
const PACKAGE = "@stackyard/store-dynamodb";

type ReadRecords = Pick<Records, "get" | "list">;

/**
 * Returns the records of the function behind `Custom::ECSTask`, of the environment or the configuration; undefined when
 * neither names its table. Loads nothing before its first request. Throws `CONFIG_INVALID`.
 */
export function findCustomResources(
  { config, projectDir }: ConfigFile,
  { env, createAws }: AwsDeps,
): ReadRecords | undefined {
  const table = readVariables(env).STACKYARD_CUSTOM_RESOURCES ?? config.customResources;
  if (table === undefined) return undefined;
  if (!TABLE.test(table) && !TABLE_ARN.test(table)) {
    throw failWith("CONFIG_INVALID", `"${table}" is not the name or ARN of a table.`, {
      hint: "Correct STACKYARD_CUSTOM_RESOURCES, or `customResources` in the configuration.",
    });
  }
  let opened: Promise<ReadRecords> | undefined;
  const open = () => {
    opened ??= openRecords(table, { projectDir, createAws }).catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };
  return {
    get: async (key, now) => (await open()).get(key, now),
    list: async (prefix, page) => (await open()).list(prefix, page),
  };
}

async function openRecords(
  table: string,
  { projectDir, createAws }: Pick<ConfigFile, "projectDir"> & Pick<AwsDeps, "createAws">,
): Promise<ReadRecords> {
  const { openDynamodbRecords } = await loadPackage(projectDir);
  const access = createAws(toArnPart(table, 3) || undefined);
  const createClient = (type: Parameters<typeof access.client>[0]) => access.client(type, undefined);
  const records: unknown = typeof openDynamodbRecords === "function" && openDynamodbRecords({ table, createClient });
  if (isReader(records)) return records;
  throw failWith("CONFIG_INVALID", `"${PACKAGE}" is too old to read the runs of custom resources.`, {
    hint: "Install the version of this command line.",
  });
}

async function loadPackage(projectDir: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await importOwn(PACKAGE, projectDir);
  } catch (error) {
    const why = await formatImportError(error, PACKAGE, projectDir);
    throw failWith("CONFIG_INVALID", `The runs of custom resources cannot be read: ${why}`, { cause: error });
  }
}

function isReader(value: unknown): value is ReadRecords {
  if (typeof value !== "object" || value === null) return false;
  return ["get", "list"].every((name) => typeof Reflect.get(value, name) === "function");
}
