// The hosts of S3's endpoints ("Amazon S3 endpoints and quotas"), with the bucket before them or in the path.
const S3_HOST =
  /^(?:[a-z0-9][a-z0-9.-]{0,62}\.)?s3(?:-external-1|[.-](?:dualstack\.)?[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-\d{1,2})?\.amazonaws\.(?:com(?:\.cn)?|eu)$/;

/**
 * True for an address that CloudFormation may have made: `https`, on a host of S3. A request may come from anybody who may
 * invoke the function, and the answer must not go anywhere else.
 */
export function isResponseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, port, username, password } = new URL(text);
  return protocol === "https:" && port === "" && username === "" && password === "" && S3_HOST.test(hostname);
}
