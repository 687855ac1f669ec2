import { codesByName } from './codes-by-name.ts'

/**
 * ISO 3166-1 codes by the names that TMDB, IMDb and Unicode's CLDR give to countries; for what is a country no more, TMDB's own codes.
 * Congo is missing: TMDB calls two countries so.
 */
export const countryCode = codesByName(`
  AC Ascension Island | AD Andorra | AE United Arab Emirates | AF Afghanistan
  AG Antigua and Barbuda/Antigua & Barbuda | AI Anguilla | AL Albania | AM Armenia | AN Netherlands Antilles
  AO Angola | AQ Antarctica | AR Argentina | AS American Samoa | AT Austria | AU Australia | AW Aruba
  AX Åland Islands | AZ Azerbaijan | BA Bosnia and Herzegovina/Bosnia & Herzegovina | BB Barbados | BD Bangladesh
  BE Belgium | BF Burkina Faso | BG Bulgaria | BH Bahrain | BI Burundi | BJ Benin | BL St. Barthélemy | BM Bermuda
  BN Brunei Darussalam/Brunei | BO Bolivia | BQ Caribbean Netherlands | BR Brazil | BS Bahamas | BT Bhutan | BU Burma
  BV Bouvet Island | BW Botswana | BY Belarus | BZ Belize | CA Canada | CC Cocos Islands/Cocos (Keeling) Islands
  CD Congo - Kinshasa/Democratic Republic of the Congo | CF Central African Republic
  CG Congo - Brazzaville/Republic of the Congo | CH Switzerland | CI Cote D'Ivoire/Côte d'Ivoire/Ivory Coast
  CK Cook Islands | CL Chile | CM Cameroon | CN China | CO Colombia | CP Clipperton Island | CQ Sark | CR Costa Rica
  CS Serbia and Montenegro | CU Cuba | CV Cape Verde | CW Curaçao | CX Christmas Island | CY Cyprus
  CZ Czech Republic/Czechia | DE Germany | DG Diego Garcia | DJ Djibouti | DK Denmark | DM Dominica
  DO Dominican Republic | DZ Algeria | EA Ceuta & Melilla | EC Ecuador | EE Estonia | EG Egypt | EH Western Sahara
  ER Eritrea | ES Spain | ET Ethiopia | FI Finland | FJ Fiji | FK Falkland Islands | FM Micronesia
  FO Faeroe Islands/Faroe Islands | FR France | GA Gabon | GB United Kingdom/UK | GD Grenada | GE Georgia
  GF French Guiana | GG Guernsey | GH Ghana | GI Gibraltar | GL Greenland | GM Gambia | GN Guinea
  GP Guadaloupe/Guadeloupe | GQ Equatorial Guinea | GR Greece
  GS South Georgia and the South Sandwich Islands/South Georgia & South Sandwich Islands | GT Guatemala | GU Guam
  GW Guinea-Bissau | GY Guyana | HK Hong Kong/Hong Kong SAR China
  HM Heard and McDonald Islands/Heard & McDonald Islands | HN Honduras | HR Croatia | HT Haiti | HU Hungary
  IC Canary Islands | ID Indonesia | IE Ireland | IL Israel | IM Isle of Man | IN India
  IO British Indian Ocean Territory | IQ Iraq | IR Iran | IS Iceland | IT Italy | JE Jersey | JM Jamaica | JO Jordan
  JP Japan | KE Kenya | KG Kyrgyz Republic/Kyrgyzstan | KH Cambodia | KI Kiribati | KM Comoros
  KN St. Kitts and Nevis/St. Kitts & Nevis | KP North Korea | KR South Korea | KW Kuwait | KY Cayman Islands
  KZ Kazakhstan | LA Lao People's Democratic Republic/Laos | LB Lebanon | LC St. Lucia | LI Liechtenstein
  LK Sri Lanka | LR Liberia | LS Lesotho | LT Lithuania | LU Luxembourg | LV Latvia | LY Libyan Arab Jamahiriya/Libya
  MA Morocco | MC Monaco | MD Moldova | ME Montenegro | MF St. Martin | MG Madagascar | MH Marshall Islands
  MK Macedonia/North Macedonia/Republic of North Macedonia | ML Mali | MM Myanmar/Myanmar (Burma) | MN Mongolia
  MO Macao/Macao SAR China | MP Northern Mariana Islands | MQ Martinique | MR Mauritania | MS Montserrat | MT Malta
  MU Mauritius | MV Maldives | MW Malawi | MX Mexico | MY Malaysia | MZ Mozambique | NA Namibia | NC New Caledonia
  NE Niger | NF Norfolk Island | NG Nigeria | NI Nicaragua | NL Netherlands | NO Norway | NP Nepal | NR Nauru
  NU Niue | NZ New Zealand | OM Oman | PA Panama | PE Peru | PF French Polynesia | PG Papua New Guinea
  PH Philippines | PK Pakistan | PL Poland | PM St. Pierre and Miquelon/St. Pierre & Miquelon
  PN Pitcairn Island/Pitcairn Islands | PR Puerto Rico | PS Palestinian Territory/Palestinian Territories
  PT Portugal | PW Palau | PY Paraguay | QA Qatar | RE Reunion/Réunion | RO Romania | RS Serbia
  RU Russia/Russian Federation | RW Rwanda | SA Saudi Arabia | SB Solomon Islands | SC Seychelles | SD Sudan
  SE Sweden | SG Singapore | SH St. Helena | SI Slovenia | SJ Svalbard & Jan Mayen Islands/Svalbard & Jan Mayen
  SK Slovakia | SL Sierra Leone | SM San Marino | SN Senegal | SO Somalia | SR Suriname | SS South Sudan
  ST Sao Tome and Principe/São Tomé & Príncipe | SU Soviet Union | SV El Salvador | SX Sint Maarten
  SY Syrian Arab Republic/Syria | SZ Swaziland/Eswatini | TA Tristan da Cunha
  TC Turks and Caicos Islands/Turks & Caicos Islands | TD Chad | TF French Southern Territories | TG Togo
  TH Thailand | TJ Tajikistan | TK Tokelau | TL Timor-Leste | TM Turkmenistan | TN Tunisia | TO Tonga | TP East Timor
  TR Turkey/Türkiye | TT Trinidad and Tobago/Trinidad & Tobago | TV Tuvalu | TW Taiwan | TZ Tanzania | UA Ukraine
  UG Uganda | UM United States Minor Outlying Islands/U.S. Outlying Islands
  US United States of America/United States/USA | UY Uruguay | UZ Uzbekistan | VA Holy See/Vatican City
  VC St. Vincent and the Grenadines/St. Vincent & Grenadines | VE Venezuela | VG British Virgin Islands
  VI US Virgin Islands/U.S. Virgin Islands | VN Vietnam | VU Vanuatu | WF Wallis and Futuna Islands/Wallis & Futuna
  WS Samoa | XC Czechoslovakia | XG East Germany | XI Northern Ireland | XK Kosovo | YE Yemen | YT Mayotte
  YU Yugoslavia | ZA South Africa | ZM Zambia | ZR Zaire | ZW Zimbabwe`)
