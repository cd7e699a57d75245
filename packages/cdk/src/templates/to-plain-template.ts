type Json = Readonly<Record<string, unknown>>;

/**
 * Writes joined texts as one text with names in it, `arn:${AWS::Partition}:s3:::${MachineBucket}/*`, as a
 * person would.
 */
export function toPlainTemplate(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toPlainTemplate);
  if (!isObject(value)) return value;
  return (
    findText(value) ?? Object.fromEntries(Object.entries(value).map(([key, part]) => [key, toPlainTemplate(part)]))
  );
}

/** Returns undefined if it is not a join, or has pieces other than texts, references and attributes. */
function findText({ "Fn::Join": join, ...others }: Json): unknown {
  if (!Array.isArray(join) || Object.keys(others).length > 0) return undefined;
  const [separator, pieces] = join;
  if (separator !== "" || !Array.isArray(pieces)) return undefined;
  const texts = pieces.map(toPiece);
  return texts.every((text) => text !== undefined) ? { "Fn::Sub": texts.join("") } : undefined;
}

function toPiece(piece: unknown): string | undefined {
  if (typeof piece === "string") return piece.replaceAll("${", "${!");
  if (!isObject(piece)) return undefined;
  const { Ref, "Fn::GetAtt": attribute } = piece;
  if (typeof Ref === "string") return `\${${Ref}}`;
  return Array.isArray(attribute) ? `\${${attribute.join(".")}}` : undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
