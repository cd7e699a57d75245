import type { ArtifactObject } from "./to-artifact-location.ts";

/** What the lines of the profile `garlc-1` are made of. */
export interface GarlcInput {
  readonly artifact: ArtifactObject;
  /** UTC time of the dispatch as `YYYYMMDDHHMMSS`, the same for every instance of a run. */
  readonly stamp: string;
}

const METADATA = "http://169.254.169.254/latest";
const TOKEN = `curl -s -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' ${METADATA}/api/token`;

/**
 * The six lines that old repositories expect, for `AWS-RunShellScript`: region, signature version, copy, unzip, the
 * repository's own `generate_inventory_file.sh`, playbook. What each does is unchanged; the region is asked for with a token,
 * so that instances that demand one are served too. As ever, no line stops the next, and the last one's exit code counts.
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

/** The lines are all that `AWS-RunShellScript` knows, so a name goes into them as one word, whatever is in it. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
