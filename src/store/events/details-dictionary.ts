// What details often contain, for deflating them (RFC 1950, section 2.2): the likeliest come last. Stored events need the
// dictionary that they were deflated with, so none is ever changed. A better one is added, and its index is the latest.

/** Names of fields and what stands around them, in the order in which details are stored. */
const FIELDS =
  '{"bounce":"soft","bounce":"hard","description":"","smtp":{"code":null,"enhanced":null,"response":"' +
  '"code":421,"enhanced":"4.7.0","code":450,"enhanced":"4.2.1","code":451,"enhanced":"4.4.2","code":452,"enhanced":"4.2.2",' +
  '"code":550,"enhanced":"5.7.1","code":554,"enhanced":"5.7.26","code":552,"enhanced":"5.2.2","code":550,"enhanced":"5.1.1",' +
  '"response":"550 5.1.1 {"smtp":{"code":250,"enhanced":"2.0.0","response":"250 2.0.0 OK","response":"250 OK"},';

/** What receiving servers say (RFC 5321 leaves the words to them). */
const REPLIES =
  "Temporary local problem, please try again later. Service unavailable. Connection timed out. Greylisted. " +
  "Too many connections. Message rejected due to spam content. Blocked because of the reputation of the sender's IP address. " +
  "Message accepted for delivery. Queued mail for delivery. Recipient address rejected: User unknown in virtual mailbox table. " +
  "Requested action not taken: mailbox unavailable. Mailbox full. The email account that you tried to reach does not exist. " +
  "The recipient's mailbox is over quota. gsmtp prod.outlook.com mx.example.net";

/** What senders attach. */
const METADATA =
  '"metadata":{"user_id":"","customer":"","order":"","order_id":"","campaign_id":"","list_id":"","template":"","subject":"' +
  '","environment":"production","environment":"staging","type":"transactional","type":"marketing","newsletter","unique_args"},';

/** Where and with what people open and click. */
const ENGAGEMENT =
  '"url":"http://www.","url":"https://www..com/?utm_source=newsletter&utm_medium=email&utm_campaign=.org/.net/.de/.co.uk/' +
  "unsubscribe/preferences/articles/products/account/login/order/blog/view/track/click?id=" +
  '"ip":"192.0.2.","ip":"2a00:1450:400","ip":"2603:10","ip":"2001:db8:","ip":"104.28.","ip":"172.226.","ip":"66.249.","ip":"74.125.",' +
  '"geo":"BR","geo":"ES","geo":"IT","geo":"NL","geo":"IN","geo":"CH","geo":"FR","geo":"GB","geo":"DE","geo":"US",' +
  '"user_agent":"Mozilla/5.0 (compatible; bot/2.1; +http://www./bot.html)"Microsoft Outlook 16.0; Microsoft Office/16.0 (Windows NT 10.0; ' +
  "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html)Thunderbird/140.0" +
  "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0" +
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0" +
  "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1" +
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15" +
  "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36" +
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0" +
  "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)" +
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148" +
  '{"ip":"198.51.100.","user_agent":"Mozilla/5.0"}{"ip":"203.0.113.","geo":"US","user_agent":"Mozilla/5.0 (';

const ENDS = '","estimated":true,"hops":1}","machine":true}","machine":false}"}';

/** The dictionaries by version. Version 0 has none. */
export const DICTIONARIES: readonly string[] = ["", FIELDS + REPLIES + METADATA + ENGAGEMENT + ENDS];
/** The version to deflate with. */
export const LATEST_DICTIONARY = 1;
