// Judges the answer to a recorded request by the rules that real clients impose. Pure: an HTTP answer in, the rules that it breaks out.
// Each rule names the clients that fail without it.

import { challengesOf } from '../../autodiscover/client/authenticate.ts';
import type { HttpAnswer } from '../../autodiscover/client/http-client.ts';
import { POX_OUTLOOK_RESPONSE, POX_RESPONSE_BASE, XML_SCHEMA_INSTANCE } from '../../autodiscover/wire/namespaces.ts';
import { POX_CONTENT_TYPE } from '../../autodiscover/wire/pox-response.ts';
import {
  childText,
  findChild,
  findChildren,
  parseXml,
  XML_LIMITS,
  type XmlElement,
} from '../../autodiscover/wire/xml.ts';
import type { Recording } from './recordings.ts';

/** A rule that an answer breaks. */
export interface Violation {
  readonly rule: RuleName;
  readonly detail: string;
}

/** The rules, and who fails when one is broken. */
export const RULES = {
  answered: 'every client: this request is one that it sends',
  'xml-declaration': 'EWS Managed API and exchangelib take nothing for an answer that does not begin with <?xml',
  'content-type': 'DavMail compares the whole Content-Type; Thunderbird wants text/xml',
  namespaces: 'exchangelib looks elements up by namespace',
  'protocol-types': 'EWS Managed API refuses an answer with two Protocols of a kind, or with one it did not ask for',
  'empty-elements': 'EWS Managed API runs off the end of the document at an empty Internal, External or Protocol',
  'web-service-urls': 'exchangelib and DavMail need EwsUrl, Evolution needs ASUrl in every EXCH and EXPR',
  'unknown-address': 'exchangelib knows an unknown address by error 500 and its exact text',
  'soap-enabled': 'EWS Managed API and ews-javascript-api use SOAP only where X-SOAP-Enabled is on every POX answer',
  'soap-header': 'EWS Managed API and ews-javascript-api fail without a SOAP Header',
  'setting-types': 'EWS Managed API drops settings whose i:type has a prefix',
  'user-responses': 'EWS Managed API pairs users with answers by position',
  'ews-settings': 'exchangelib uses ExternalEwsUrl alone and must know the newest of EwsSupportedSchemas',
  'unrequested-settings': 'exchangelib breaks on a setting that it did not ask for',
  'redirect-url': 'Thunderbird ignores a redirectUrl in the document, exchangelib and Evolution break on it',
  'redirect-target':
    'ews-javascript-api and EWS Managed API follow only https and a lower-case /autodiscover path of the same kind',
  challenge: 'every client: without a challenge it does not know how to log on',
} as const;
export type RuleName = keyof typeof RULES;

const UNKNOWN_TEXTS = ['The e-mail address cannot be found.', "The email address can't be found."];

/** Every rule that the answer breaks; empty when a client is content. */
export function judge(recording: Recording, answer: HttpAnswer): readonly Violation[] {
  const found: Violation[] = [];
  const broken = (rule: RuleName, detail: string) => void found.push({ rule, detail });
  if (/\.xml/i.test(recording.path) && answer.headers['x-soap-enabled'] === undefined)
    broken('soap-enabled', `no X-SOAP-Enabled on HTTP ${answer.status}`);
  if (answer.status >= 300 && answer.status < 400) {
    redirectTarget(recording, answer, broken);
    return found;
  }
  switch (recording.expects) {
    case 'any':
      if (answer.status >= 500) broken('answered', `HTTP ${answer.status}`);
      break;
    case 'challenge':
      if (answer.status !== 401) broken('challenge', `HTTP ${answer.status} in place of 401`);
      else if (challengesOf(answer).length === 0) broken('challenge', '401 without WWW-Authenticate');
      break;
    case 'json':
      if (answer.status !== 200 || !isJsonObject(answer.body))
        broken('answered', `HTTP ${answer.status}, no JSON document`);
      break;
    default:
      judgeDocument(recording, answer, broken);
  }
  return found;
}

type Broken = (rule: RuleName, detail: string) => void;

function redirectTarget(recording: Recording, { headers, status }: HttpAnswer, broken: Broken): void {
  const location = headers.location?.[0];
  const target = URL.parse(location ?? '');
  const kind = /\.(xml|svc|json)/i.exec(recording.path)?.[1]?.toLowerCase();
  const good = target?.protocol === 'https:' && target.pathname === `/autodiscover/autodiscover.${kind}`;
  if (!good) broken('redirect-target', `HTTP ${status} to ${location ?? 'nowhere'}`);
}

function isJsonObject(body: Uint8Array): boolean {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}

function judgeDocument(recording: Recording, answer: HttpAnswer, broken: Broken): void {
  const contentType = answer.headers['content-type']?.[0];
  if (answer.status !== 200) {
    broken('answered', `HTTP ${answer.status}`);
    return;
  }
  if (contentType !== POX_CONTENT_TYPE) broken('content-type', `Content-Type is ${contentType ?? 'absent'}`);
  const parsed = parseXml(answer.body, XML_LIMITS.response, contentType);
  if ('fault' in parsed) {
    broken('answered', `no XML document: ${parsed.fault.message}`);
    return;
  }
  if (recording.expects === 'soap') {
    judgeSoap(recording, parsed.root, broken);
    return;
  }
  const text = Buffer.from(answer.body)
    .toString('utf8')
    .replace(/^\ufeff/, '');
  if (!text.startsWith('<?xml'))
    broken('xml-declaration', `the document begins with ${JSON.stringify(text.slice(0, 20))}`);
  if (recording.expects === 'unknown') {
    judgeUnknown(parsed.root, broken);
    return;
  }
  if (recording.expects === 'mobilesync') {
    judgeMobileSync(parsed.root, broken);
    return;
  }
  judgePox(recording, parsed.root, broken);
}

function judgeUnknown(root: XmlElement, broken: Broken): void {
  const response = findChild(root, 'Response');
  const error = findChild(response, 'Error');
  if (error === undefined) {
    broken('unknown-address', 'no Error element');
    return;
  }
  for (const element of [response, error]) {
    if (element?.namespace !== POX_RESPONSE_BASE) broken('namespaces', `${element?.local} is in ${element?.namespace}`);
  }
  const [code, message] = [childText(error, 'ErrorCode'), childText(error, 'Message')];
  if (code !== '500' || !UNKNOWN_TEXTS.includes(message ?? '')) broken('unknown-address', `error ${code}: ${message}`);
}

function judgeMobileSync(root: XmlElement, broken: Broken): void {
  const action = findChild(findChild(root, 'Response'), 'Action');
  const server = findChild(findChild(action, 'Settings'), 'Server');
  if (childText(server, 'Url') === undefined) broken('answered', 'no server URL in a mobilesync answer');
}

function judgePox(recording: Recording, root: XmlElement, broken: Broken): void {
  const response = findChild(root, 'Response');
  if (root.local !== 'Autodiscover' || response === undefined) {
    broken('answered', `the document is ${root.local}`);
    return;
  }
  if (root.namespace !== POX_RESPONSE_BASE) broken('namespaces', `Autodiscover is in ${root.namespace}`);
  const error = findChild(response, 'Error');
  if (error !== undefined) {
    broken('answered', `error ${childText(error, 'ErrorCode')}: ${childText(error, 'Message')}`);
    return;
  }
  if (response.namespace !== POX_OUTLOOK_RESPONSE) broken('namespaces', `Response is in ${response.namespace}`);
  const account = findChild(response, 'Account');
  if (childText(account, 'Action') === 'redirectUrl') {
    broken('redirect-url', 'Action is redirectUrl');
    return;
  }
  const protocols = findChildren(account, 'Protocol');
  if (protocols.length === 0) {
    broken('answered', 'no Protocol');
    return;
  }
  judgeProtocols(recording, protocols, broken);
}

const OWN_KINDS = ['EXCH', 'EXPR', 'WEB'];

function judgeProtocols(recording: Recording, protocols: readonly XmlElement[], broken: Broken): void {
  const types = protocols.map((protocol) => childText(protocol, 'Type') ?? '(none)');
  for (const kind of OWN_KINDS) {
    if (types.filter((type) => type === kind).length > 1) broken('protocol-types', `several Protocols ${kind}`);
  }
  const others = types.filter((type) => !OWN_KINDS.includes(type));
  const asked =
    recording.headers['X-MapiHttpCapability'] !== undefined || recording.headers['X-ClientCanHandle'] !== undefined;
  if (others.length > (asked ? 2 : 1) || (!asked && others.includes('(none)')))
    broken('protocol-types', `Protocols ${types.join(', ')}`);
  for (const [at, protocol] of protocols.entries()) {
    for (const element of [protocol, ...findChildren(protocol, 'Internal'), ...findChildren(protocol, 'External')]) {
      if (element.children.length === 0) broken('empty-elements', `an empty ${element.local} in ${types[at]}`);
    }
    if (types[at] !== 'EXCH' && types[at] !== 'EXPR') continue;
    for (const name of ['EwsUrl', 'ASUrl']) {
      if (childText(protocol, name) === undefined) broken('web-service-urls', `${types[at]} has no ${name}`);
    }
  }
}

function judgeSoap(recording: Recording, root: XmlElement, broken: Broken): void {
  if (findChild(root, 'Header') === undefined) broken('soap-header', 'no Header');
  const message = findChild(findChild(root, 'Body'), 'GetUserSettingsResponseMessage');
  const users = findChildren(findChild(findChild(message, 'Response'), 'UserResponses'), 'UserResponse');
  if (users.length !== 1) {
    broken('user-responses', `${users.length} UserResponses for one user`);
    return;
  }
  const [user] = users;
  if (childText(user, 'ErrorCode') !== 'NoError') {
    broken('answered', `${childText(user, 'ErrorCode')}: ${childText(user, 'ErrorMessage')}`);
    return;
  }
  const settings = findChildren(findChild(user, 'UserSettings'), 'UserSetting');
  const names = settings.map((setting) => childText(setting, 'Name') ?? '');
  const wanted: readonly string[] = recording.settings ?? [];
  const extra = names.filter((name) => !wanted.includes(name));
  if (extra.length > 0) broken('unrequested-settings', extra.join(', '));
  for (const name of ['ExternalEwsUrl', 'EwsSupportedSchemas']) {
    if (wanted.includes(name) && !names.includes(name)) broken('ews-settings', `no ${name}`);
  }
  for (const setting of settings) {
    const type = setting.attributes.find(
      ({ local, namespace }) => local === 'type' && namespace === XML_SCHEMA_INSTANCE,
    )?.value;
    if (type === undefined || type.includes(':'))
      broken('setting-types', `${childText(setting, 'Name')} has i:type ${type}`);
  }
}
