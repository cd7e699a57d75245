import { isResponseUrl } from "@stackyard/aws/custom-resource";

/** May an answer go there? Only to S3, where CloudFormation waits for it, or to the host of an emulator that is known. */
export function isAnswerUrl(text: string, emulator: string | undefined): boolean {
  if (isResponseUrl(text)) return true;
  if (emulator === undefined || !URL.canParse(text)) return false;
  const { protocol, hostname, username } = new URL(text);
  return protocol === "http:" && username === "" && hostname === new URL(emulator).hostname;
}
