import type { ArtifactObject } from "./apply-artifact-document.ts";

/** The input of the lines of the profile `garlc-1`. */
export interface GarlcInput {
  readonly artifact: ArtifactObject;
  /** UTC time of the dispatch as `YYYYMMDDHHMMSS`, the same for every instance of a run. */
  readonly stamp: string;
}

const METADATA = "http://169.254.169.254/latest";
const TOKEN = `curl -s -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' ${METADATA}/api/token`;

/**
 * Returns the six lines that old repositories expect, for `AWS-RunShellScript`: region, signature version, copy, unzip,
 * the repository's own `generate_inventory_file.sh`, playbook. Each is unchanged, except that the region is requested
 * with a token, so that instances that require IMDSv2 work too. A failing line does not stop the next one; the last
 * exit code counts.
 */
export function garlcLines({ artifact, stamp }: GarlcInput): readonly string[] {
  if (!/^[0-9]{14}$/.test(stamp)) throw new TypeError(`A stamp is YYYYMMDDHHMMSS, not ${JSON.stringify(stamp)}.`);
  const source = quote(`s3://${artifact.bucket}/${artifact.key}`);
  return [
    `export AWS_DEFAULT_REGION="$(curl -s -H "X-aws-ec2-metadata-token: $(${TOKEN})" ${METADATA}/dynamic/instance-identity/document | sed -n 's/.*"region" *: *"\\([^"]*\\)".*/\\1/p')"`,
    "aws configure set default.s3.signature_version s3v4",
    `aws s3 cp ${source} /tmp/${stamp}.zip --quiet`,
    `unzip -qq /tmp/${stamp}.zip -d /tmp/${stamp}`,
    `bash /tmp/${stamp}/generate_inventory_file.sh`,
    `ansible-playbook -i /tmp/inventory /tmp/${stamp}/ansible/playbook.yml`,
  ];
}

/** Quotes a name as one word of a line, whatever it contains: `AWS-RunShellScript` only accepts lines. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
