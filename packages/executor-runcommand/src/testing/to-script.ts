import { applyArtifactDocument } from "../document/apply-artifact-document.ts";

/**
 * Returns the script that an agent runs for the document, with values in its text, as agents without
 * `interpolationType` do. Rejects what SSM rejects: unknown parameters, and values that do not match their pattern.
 */
export function toScript(
  values: Readonly<Record<string, readonly string[]>>,
  platform: "Linux" | "Windows" = "Linux",
): string {
  const { parameters, mainSteps } = applyArtifactDocument;
  for (const [name, [value = ""]] of Object.entries(values)) {
    const parameter = parameters[name];
    if (parameter === undefined) throw new Error(`InvalidParameters: ${name} is not known.`);
    const { allowedPattern, maxChars = Number.POSITIVE_INFINITY } = parameter;
    if (!new RegExp(allowedPattern).test(value) || value.length > maxChars)
      throw new Error(`InvalidParameters: ${name}`);
  }
  const step = mainSteps.find(({ precondition }) => precondition.StringEquals[1] === platform);
  const text = (step?.inputs.runCommand ?? []).join("\n");
  return Object.entries(parameters).reduce((script, [name, parameter]) => {
    const value = values[name]?.[0] ?? parameter.default;
    if (value === undefined) throw new Error(`InvalidParameters: ${name} is missing.`);
    return script.replaceAll(`{{ ${name} }}`, () => value);
  }, text);
}
