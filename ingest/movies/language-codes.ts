import { codesByName } from './codes-by-name.ts'

/**
 * ISO 639-1 codes by the names that TMDB, IMDb and Unicode's CLDR give to languages, with the codes that TMDB has of its own: `cn` is
 * Cantonese, `xx` no language. Ndebele is missing: TMDB calls two languages so.
 */
export const languageCode = codesByName(`
  aa Afar | ab Abkhazian | ae Avestan | af Afrikaans | ak Akan | am Amharic | an Aragonese | ar Arabic | as Assamese
  av Avaric | ay Aymara | az Azerbaijani | ba Bashkir | be Belarusian | bg Bulgarian | bh Bhojpuri/Bihari | bi Bislama
  bm Bambara | bn Bengali/Bangla | bo Tibetan | br Breton | bs Bosnian | ca Catalan | ce Chechen | ch Chamorro
  cn Cantonese | co Corsican | cr Cree | cs Czech | cu Slavic/Church Slavic | cv Chuvash | cy Welsh | da Danish
  de German | dv Divehi | dz Dzongkha | ee Ewe | el Greek | en English | eo Esperanto | es Spanish | et Estonian
  eu Basque | fa Persian/Farsi | ff Fulah/Fula | fi Finnish | fj Fijian | fo Faroese | fr French
  fy Frisian/Western Frisian | ga Irish | gd Gaelic/Scottish Gaelic | gl Galician | gn Guarani | gu Gujarati | gv Manx
  ha Hausa | he Hebrew | hi Hindi | ho Hiri Motu | hr Croatian | ht Haitian; Haitian Creole/Haitian Creole
  hu Hungarian | hy Armenian | hz Herero | ia Interlingua | id Indonesian | ie Interlingue | ig Igbo
  ii Yi/Sichuan Yi | ik Inupiaq | io Ido | is Icelandic | it Italian | iu Inuktitut | ja Japanese | jv Javanese
  ka Georgian | kg Kongo | ki Kikuyu | kj Kuanyama | kk Kazakh | kl Kalaallisut | km Khmer | kn Kannada | ko Korean
  kr Kanuri | ks Kashmiri | ku Kurdish | kv Komi | kw Cornish | ky Kirghiz/Kyrgyz | la Latin
  lb Letzeburgesch/Luxembourgish | lg Ganda | li Limburgish | ln Lingala | lo Lao | lt Lithuanian | lu Luba-Katanga
  lv Latvian | mg Malagasy | mh Marshall/Marshallese | mi Maori/Māori | mk Macedonian | ml Malayalam | mn Mongolian
  mo Moldavian | mr Marathi | ms Malay/Malaysian | mt Maltese | my Burmese/Myanmar | na Nauru | nb Norwegian Bokmål
  nd North Ndebele | ne Nepali | ng Ndonga | nl Dutch/Flemish | nn Norwegian Nynorsk | no Norwegian | nr South Ndebele
  nv Navajo | ny Chichewa; Nyanja/Nyanja/Chichewa | oc Occitan | oj Ojibwa | om Oromo | or Oriya/Odia
  os Ossetian; Ossetic/Ossetic/Ossetian | pa Punjabi/Panjabi | pi Pali | pl Polish | ps Pushto/Pashto | pt Portuguese
  qu Quechua | rm Raeto-Romance/Romansh | rn Rundi | ro Romanian | ru Russian | rw Kinyarwanda | sa Sanskrit
  sc Sardinian | sd Sindhi | se Northern Sami | sg Sango | sh Serbo-Croatian | si Sinhalese/Sinhala/Singhalese
  sk Slovak | sl Slovenian | sm Samoan | sn Shona | so Somali | sq Albanian | sr Serbian | ss Swati
  st Sotho/Southern Sotho | su Sundanese | sv Swedish | sw Swahili | ta Tamil | te Telugu | tg Tajik | th Thai
  ti Tigrinya | tk Turkmen | tl Tagalog/Filipino | tn Tswana | to Tonga/Tongan | tr Turkish | ts Tsonga | tt Tatar
  tw Twi | ty Tahitian | ug Uighur/Uyghur | uk Ukrainian | ur Urdu | uz Uzbek | ve Venda | vi Vietnamese
  vo Volapük | wa Walloon | wo Wolof | xh Xhosa | xx No Language/None | yi Yiddish | yo Yoruba | za Zhuang
  zh Mandarin/Chinese | zu Zulu`)
