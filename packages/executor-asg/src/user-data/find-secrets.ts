import { MAX_USER_DATA_BYTES } from "./user-data-size.ts";

/** What looks like a secret, and what it is called. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/, "a private key"],
  // IAM User Guide, "Understanding unique ID prefixes": access keys, and those of sessions.
  [/\b(?:AKIA|ASIA)[A-Z2-7]{16}\b/, "an AWS access key"],
  [/\bgh[pousr]_[A-Za-z0-9]{36,}/, "a GitHub token"],
  [/\bxox[abprs]-[A-Za-z0-9-]{10,}/, "a Slack token"],
  [/\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]+:[^\s/@${}]+@/i, "a password in a URL"],
  // A value that is read from elsewhere when the server boots is no secret.
  [/(?:password|passwd|secret|token|api_?key)["']?\s*[=:]\s*["']?[^\s"'$<{(`]{8,}/i, "a password or token"],
];

/**
 * Where user data seems to hold a secret, a sentence each, without the secret: whoever may describe launch templates or reach an
 * instance's metadata reads it. A guess, so that it warns and refuses nothing.
 */
export function findSecrets(userData: string): readonly string[] {
  return userData.split("\n").flatMap((line, index) => {
    // Longer user data is refused for its size anyhow.
    const [, what] = PATTERNS.find(([pattern]) => pattern.test(line.slice(0, MAX_USER_DATA_BYTES))) ?? [];
    if (what === undefined) return [];
    return [
      `Line ${index + 1} of the user data looks like ${what}. Others can read it: load it when the server boots.`,
    ];
  });
}
