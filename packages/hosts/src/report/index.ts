export type { PreviewFacts, PreviewFailure, PreviewLink } from "./describe-preview.ts";
export type { PreviewPhase } from "./preview-phase.ts";
export { renderPreview } from "./render-comment.ts";
export { findLink, toLastLines, toLine } from "./safe-text.ts";
