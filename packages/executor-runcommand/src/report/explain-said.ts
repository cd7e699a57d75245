import type { CodeAdvice } from "./explain-code.ts";

/** What the script of `Stackyard-ApplyArtifact` says when it fails before it has run anything: `stackyard: CODE: text`. */
const OWN_LINE = /^stackyard: ([A-Z][A-Z_]+): /;

/** What the last line of an instance means, where it is one of our script's; undefined for what any other program says. */
export function explainSaid(line: string | undefined): CodeAdvice | undefined {
  const [, code = ""] = OWN_LINE.exec(line ?? "") ?? [];
  const advice = ADVICE.get(code);
  if (advice === undefined) return undefined;
  return { meaning: "Nothing of the artifact was run: the line below says why.", advice };
}

const ADVICE: ReadonlyMap<string, string> = new Map([
  ["ALREADY_RUNNING", "Wait for the other run on the host, then run again what failed."],
  ["ARTIFACT_CHECKSUM_MISMATCH", "Find out who has changed the artifact after it was chosen; build it again."],
  ["ARTIFACT_DOWNLOAD_FAILED", "Let the instance profile read the artifact and its key, and look at the way to S3."],
  ["ARTIFACT_UNREADABLE", "Build the artifact again, as a zip archive; `unzip` or `python3` must be on the instance."],
  ["ARTIFACT_UNSAFE", "Take links and paths that lead out of it from the artifact."],
  ["ENTRY_POINT_MISSING", "Put the file into the artifact, or use a profile with another one."],
  ["INSTANCE_TAGS_HIDDEN", "Switch `InstanceMetadataTags` on for the instance."],
  ["LOCK_UNUSABLE", "Look at the permissions on the instance; the script runs as root."],
  ["METADATA_UNAVAILABLE", "Switch the instance metadata service on (IMDSv2)."],
  ["NO_INSTANCE_PROFILE", "Give the instance a profile with `AmazonSSMManagedInstanceCore`."],
  ["PARAMETER_INVALID", "Look at the document and at who has sent it: our profiles send no such value."],
  ["ROLE_NAME_INVALID", "Correct the tag `Ansible_Roles` of the instance."],
  ["TOOL_MISSING", "Install the tool on the instance."],
]);
