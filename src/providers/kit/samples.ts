// Recognises the samples that test buttons post, at providers that do not say how their samples look. Both must be
// there: an address as documentation uses it, and a placeholder in a field that always has a value.

const ADDRESS =
  /^(example|test|sample|user|recipient|someone|someoneelse|contact|john\.?doe|jane\.?doe|email|name)@(example\.(com|org|net)|domain\.com|yourdomain\.com|test\.com|email\.com)$/;
const PLACEHOLDER =
  /x{4,}|xxx\.xxx|yyyy|<string>|\bsample\b|^<?test\b|\btest (e?mail|event|message|webhook)\b/i;

/** Whether a report is a sample, by its address and by texts that are placeholders in samples (ids, subject, IP). */
export function isSample(contact: string | undefined, textsOf: () => readonly (string | null)[]): boolean {
  if (contact === undefined || !ADDRESS.test(contact)) return false;
  return textsOf().some((text) => text !== null && PLACEHOLDER.test(text));
}
