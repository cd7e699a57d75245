import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { aZip, type ZipFile } from "./a-zip.ts";
import { anInstance, type Instance, type InstanceOptions } from "./an-instance.ts";
import { toScript } from "./to-script.ts";

/** The special properties of an instance and its artifact. */
export interface PreparedOptions extends InstanceOptions {
  /** Of the artifact. Default: a playbook. */
  readonly files?: readonly ZipFile[];
  readonly zip?: Buffer;
  /** Parameters of the document. */
  readonly values?: Readonly<Record<string, string>>;
}

/** An instance, and the script that applies an artifact to it. */
export interface PreparedInstance extends Instance {
  readonly script: string;
  /** Returns what a program has written into `$NOTES`. */
  note(name: string): string;
  /** Returns true if the playbook was run. */
  ran(): boolean;
}

/** The file that the document runs by default. */
export const PLAYBOOK: ZipFile = { name: "ansible/playbook.yml", text: "- hosts: all\n" };
/** The inventory that is sent. */
export const INVENTORY = "[web]\nlocalhost ansible_connection=local\n";

/** Records its arguments. */
const ANSIBLE = String.raw`printf '%s\n' "$@" >"$NOTES/arguments"; pwd >"$NOTES/folder"; cat "$2" >"$NOTES/inventory"
printf '%s\n' "$HOME" "$ANSIBLE_CONFIG" "$AWS_DEFAULT_REGION" >"$NOTES/environment"`;
const CREDENTIALS = { Code: "Success", AccessKeyId: "AKIA1", SecretAccessKey: "s/cret+", Token: "session==" };
const METADATA = {
  "PUT /latest/api/token": "a-token",
  "GET /latest/meta-data/placement/region": "eu-west-1",
  "GET /latest/meta-data/iam/security-credentials/": "fleet-role",
  "GET /latest/meta-data/iam/security-credentials/fleet-role": JSON.stringify(CREDENTIALS, null, 2),
};

/** Starts an instance with an artifact in S3. */
export async function aPreparedInstance(options: PreparedOptions = {}): Promise<PreparedInstance> {
  const { files = [PLAYBOOK], zip = aZip(files), values = {}, ...rest } = options;
  const instance = await anInstance({
    ...rest,
    programs: { "ansible-playbook": ANSIBLE, ...rest.programs },
    answers: { ...METADATA, "GET /s3/artifacts/app/build.zip": zip, ...rest.answers },
  });
  const parameters = {
    ArtifactLocation: "s3://artifacts/app/build.zip",
    ArtifactSha256: createHash("sha256").update(zip).digest("hex"),
    Inventory: Buffer.from(INVENTORY).toString("base64"),
    LockWait: "0",
    ...values,
  };
  const script = toScript(Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, [value]])));
  return Object.assign(instance, {
    script,
    note: (name: string) => readFileSync(join(instance.notes, name), "utf8").trimEnd(),
    ran: () => existsSync(join(instance.notes, "arguments")),
  });
}
