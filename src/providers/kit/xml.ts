// Turns XML bodies into plain values, for senders that support nothing else. @rgrove/parse-xml is strict, small, linear
// in time, and ignores document types: it expands no entities that a sender defines, and loads nothing from anywhere.

// It keeps several hundred bytes of memory for each node, so documents with more nodes than any report has are refused
// before they are parsed.

import { parseXml, XmlElement, XmlText, type XmlNode } from "@rgrove/parse-xml";
import { fail, ok, type Result } from "../../lib/result.ts";

/**
 * The most nodes of one document, each with a tag or an equals sign: 25,000 elements, or a tenth as many with nine
 * fields.
 */
const MOST_NODES = 50_000;

/** Whether the document may have more nodes than are read, by the characters that each of them needs. */
function holdsTooMany(text: string): boolean {
  let nodes = 0;
  for (const mark of ["<", "="])
    for (let at = text.indexOf(mark); at >= 0 && nodes <= MOST_NODES; at = text.indexOf(mark, at + 1))
      nodes += 1;
  return nodes > MOST_NODES;
}

/**
 * The elements of an XML document as objects: the root's children if there are many of one name (`<events><event>…`),
 * else the root itself. Attributes and child elements become fields, and a repeated one becomes an array; all values
 * are texts. Fails if the text is not XML, is nested too deeply or has too many nodes.
 */
export function xmlElements(text: string): Result<unknown[]> {
  if (holdsTooMany(text)) return fail(`more than ${MOST_NODES} nodes in one XML`);
  try {
    const { root } = parseXml(text);
    if (root === null) return fail("the XML holds no element");
    const children = root.children.filter(isElement);
    const isList = new Set(children.map(({ name }) => name)).size === 1 && children.every(hasParts);
    return ok((isList ? children : [root]).map(valueOf));
  } catch (error) {
    return fail(error instanceof RangeError ? "the XML is nested too deeply" : "the body is not XML");
  }
}

function isElement(node: XmlNode): node is XmlElement {
  return node instanceof XmlElement;
}

function hasParts(element: XmlElement): boolean {
  return element.children.some(isElement) || Object.keys(element.attributes).length > 0;
}

/**
 * The element's text if it has no parts, else its fields. Fields are defined, never assigned: a name may be
 * `__proto__`.
 */
function valueOf(element: XmlElement): unknown {
  const text = element.children.map((node) => (node instanceof XmlText ? node.text : "")).join("");
  if (!hasParts(element)) return text;
  const fields = new Map<string, unknown>(Object.entries(element.attributes));
  for (const child of element.children.filter(isElement)) {
    const before = fields.get(child.name);
    const value = valueOf(child);
    if (before === undefined) fields.set(child.name, value);
    else if (Array.isArray(before)) before.push(value);
    else fields.set(child.name, [before, value]);
  }
  if (text.trim() !== "" && !fields.has("text")) fields.set("text", text);
  return Object.fromEntries(fields);
}
