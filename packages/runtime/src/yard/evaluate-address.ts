import { toDnsSuffix } from "@stackyard/core";
import { type Finding, fail } from "@stackyard/sdk/commands";

/** `https://sqs.eu-west-1.amazonaws.com/…`, and the same of other partitions. */
const OF_AWS = /^sqs(?:-fips)?\.([a-z0-9-]+)\.(.+)$/;

/** Reports a queue in another region than the yard's: calls would be signed for the wrong one. */
export function evaluateAddress(queueUrl: string, region: string | undefined): readonly Finding[] {
  const [, found, suffix] = OF_AWS.exec(URL.parse(queueUrl)?.hostname ?? "") ?? [];
  if (found === undefined || suffix !== toDnsSuffix(found) || region === undefined || found === region) return [];
  return [fail("queue", `${queueUrl} is in ${found}, and the yard is in ${region}.`, "Correct `region`, or the URL.")];
}
