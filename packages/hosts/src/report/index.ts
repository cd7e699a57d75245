export type { PreviewFacts, PreviewFailure, PreviewLink, PreviewPhase } from "./describe-preview.ts";
export { renderPreview } from "./render-comment.ts";
export { findLink, toLastLines, toLine } from "./safe-text.ts";
