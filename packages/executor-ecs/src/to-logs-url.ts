import type { LogStream } from "./log-stream.ts";

const HOSTS: Readonly<Record<string, string>> = {
  aws: "console.aws.amazon.com",
  "aws-cn": "console.amazonaws.cn",
  "aws-us-gov": "console.amazonaws-us-gov.com",
};

/** The page of a log stream in the CloudWatch console; the console encodes names twice and writes `$` for `%`. */
export function toLogsUrl(stream: LogStream, taskArn: string): string | undefined {
  const [, partition = "", , arnRegion = ""] = taskArn.split(":");
  const host = HOSTS[partition];
  if (stream.kind === "none" || host === undefined) return undefined;
  const region = stream.region ?? arnRegion;
  const path = `log-group/${encode(stream.group)}/log-events/${encode(stream.stream)}`;
  return `https://${region}.${host}/cloudwatch/home?region=${encodeURIComponent(region)}#logsV2:log-groups/${path}`;
}

function encode(text: string): string {
  return encodeURIComponent(encodeURIComponent(text)).replaceAll("%", "$");
}
