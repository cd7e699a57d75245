import { type Conditional, type Given, mapGiven } from "./given.ts";
import { allow, type Permission, viaService } from "./policies/statement.ts";

/** Settings of what an app writes to S3. */
export interface UploadSettings {
  /**
   * How uploads to S3 name their encryption, for accounts whose policies deny uploads that do not: `AES256`, `aws:kms`, or the ARN
   * of a key, which the app's roles may then use. Default: they do not name it.
   */
  readonly uploadEncryption?: string | UploadChoice | undefined;
}

/** The same from a parameter of a template. */
export interface UploadChoice {
  readonly value: string;
  /** The value, if it is the ARN of a key. */
  readonly keyArn: Conditional<string>;
}

/** Returns the variable of the app. */
export function toUploadEnvironment({ uploadEncryption }: UploadSettings): { STACKYARD_S3_ENCRYPTION?: string } {
  if (uploadEncryption === undefined) return {};
  const said = typeof uploadEncryption === "string" ? uploadEncryption : uploadEncryption.value;
  // An empty parameter is as none.
  return { STACKYARD_S3_ENCRYPTION: said };
}

/** Returns the permission to use the key, if one is named. */
export function toUploadPermissions({ uploadEncryption }: UploadSettings): readonly Given<Permission>[] {
  const key = findKey(uploadEncryption);
  return key === undefined ? [] : [mapGiven(key, useUploadKey)];
}

function findKey(said: UploadSettings["uploadEncryption"]): Given<string> | undefined {
  if (typeof said === "object") return said.keyArn;
  return said === "AES256" || said === "aws:kms" ? undefined : said;
}

function useUploadKey(keyArn: string): Permission {
  const use = allow("Uploads", ["kms:Decrypt", "kms:GenerateDataKey"], keyArn);
  return { name: "UploadKey", statements: [viaService("s3", use)] };
}
